//! The stand-in in process, where a client expects the network.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sdk::{Clock, Request, Response, Transport, TransportError};

use super::Pipedrive;

/// Sends each request to a [`Pipedrive`] of the same process.
#[derive(Clone)]
pub struct PipedriveTransport {
    /// The account.
    pub account: Arc<Mutex<Pipedrive>>,
    /// Tells the account the time.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Transport for PipedriveTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = account.exchange(&request, self.clock.now());
        answer.ok_or_else(|| TransportError::MaybeSent("connection reset by peer".to_owned()))
    }
}
