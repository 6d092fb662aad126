//! The body of a request as it comes in, kept until the answer is out.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, HttpRequest};

/// The body of a request as it comes in. A clone is another handle to the same one.
#[derive(Clone)]
pub(super) struct Incoming(Rc<RefCell<BodyStream<Payload>>>);

impl Incoming {
    /// Takes the body from a request, and leaves it where [`Incoming::of`] finds it.
    pub(super) fn take(request: &mut ServiceRequest) -> Self {
        let incoming = Self(Rc::new(RefCell::new(BodyStream::new(request.take_payload()))));
        request.extensions_mut().insert(incoming.clone());
        incoming
    }

    /// The body of this request; nothing where it was not taken.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&self) -> Option<Result<Bytes, PayloadError>> {
        poll_fn(|context| Pin::new(&mut *self.0.borrow_mut()).poll_next(context)).await
    }
}

/// The body of an answer to a request that was not read to its end.
///
/// As long as somebody holds the rest of the request, the server hangs up once the answer is out. If nobody did, it
/// would wait for the end of a chunked body, and whoever never sends it would keep the connection for ever.
pub(super) struct Unread {
    pub(super) body: BoxBody,
    pub(super) _rest: Incoming,
}

impl MessageBody for Unread {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}
