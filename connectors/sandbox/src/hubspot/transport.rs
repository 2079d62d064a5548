//! The stand-in in process, where a client expects the network.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sdk::{Clock, Request, Response, Transport, TransportError};

use super::{HubSpot, Lost};

/// Sends each request to a [`HubSpot`] of the same process, and loses those that the fault plan loses.
#[derive(Clone)]
pub struct SandboxTransport {
    /// The account.
    pub hubspot: Arc<Mutex<HubSpot>>,
    /// Tells the account the time, and waits.
    pub clock: Arc<dyn Clock>,
    /// How long an answer is on its way; the request is applied in the middle.
    pub latency: Duration,
}

impl SandboxTransport {
    /// A transport that answers at once.
    pub fn new(hubspot: Arc<Mutex<HubSpot>>, clock: Arc<dyn Clock>) -> Self {
        Self { hubspot, clock, latency: Duration::ZERO }
    }

    fn exchange(&self, request: &Request) -> Result<Response, Lost> {
        let mut hubspot = self.hubspot.lock().unwrap_or_else(PoisonError::into_inner);
        hubspot.exchange(request, self.clock.now())
    }
}

#[async_trait]
impl Transport for SandboxTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if !self.latency.is_zero() {
            self.clock.sleep(self.latency / 2).await;
        }
        match self.exchange(&request) {
            Ok(response) => {
                if !self.latency.is_zero() {
                    self.clock.sleep(self.latency / 2).await;
                }
                Ok(response)
            }
            Err(Lost::NotConnected) => Err(TransportError::NotSent("connection refused".to_owned())),
            Err(Lost::Reset) => Err(TransportError::MaybeSent("connection reset by peer".to_owned())),
            Err(Lost::Timeout) => {
                self.clock.sleep(request.deadline).await;
                Err(TransportError::MaybeSent(format!("no answer within {:?}", request.deadline)))
            }
        }
    }
}
