//! Single messages: how they are pulled, waited for and acknowledged.

use std::time::Duration;

use async_nats::jetstream::Message;
use futures_util::StreamExt as _;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::ANSWER_MAX;
use super::work::Pull;

/// How long a single pull waits for a message. It ends by itself a few seconds later at most, whatever became of the
/// server, so no pull stalls for ever.
const BELL_SECONDS: u64 = 20;

/// Adds what a consumer has now, at most so much.
pub(super) async fn fetch_from(
    consumer: &Pull,
    most: usize,
    messages: &mut Vec<Message>,
) -> Result<(), async_nats::Error> {
    let fetching = async {
        let mut batch = consumer.fetch().max_messages(most).messages().await?;
        while let Some(message) = batch.next().await {
            messages.push(message?);
        }
        Ok(())
    };
    timeout(ANSWER_MAX, fetching).await.unwrap_or_else(|elapsed| Err(elapsed.into()))
}

/// Waits for one message, for a while.
pub(super) async fn ring(consumer: &Pull) -> Vec<Message> {
    let pulled = consumer.batch().max_messages(1).expires(Duration::from_secs(BELL_SECONDS)).messages().await;
    let Ok(mut batch) = pulled else {
        // Whoever asks again at once would ask without end.
        tokio::time::sleep(Duration::from_secs(1)).await;
        return Vec::new();
    };
    batch.next().await.and_then(Result::ok).into_iter().collect()
}

/// A message whose work is claimed is acknowledged until the server has said so; one whose work is gone, once. Where that
/// is lost, it comes again, and is gone.
pub(super) async fn acknowledge(messages: Vec<(Message, bool)>) {
    let mut under_way = JoinSet::new();
    for (message, is_claimed) in messages {
        under_way.spawn(async move {
            let done = if is_claimed { message.double_ack().await } else { message.ack().await };
            if let Err(error) = done {
                tracing::debug!(%error, "a message was not acknowledged; it comes again, and is gone");
            }
        });
    }
    while under_way.join_next().await.is_some() {}
}
