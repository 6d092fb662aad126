//! Stopping: the first signal asks for an end, the second does not wait for it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of who was interrupted while ending, as shells have it for SIGINT.
const INTERRUPTED: i32 = 130;

/// Hears SIGINT and SIGTERM.
pub(super) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Hears them from now on; the process no longer ends by itself.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the first. The second, should it come, ends the process on the spot.
    pub(super) async fn asked(mut self) {
        self.next().await;
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(INTERRUPTED);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
