//! HubSpot's CRM API, as strict as the service: a client that works here works there.
//!
//! A [`HubSpot`] is one account. [`HubSpot::handle`] takes a request and the moment it arrives, and answers; there is no clock,
//! no network and no chance in it, so equal accounts with equal requests at equal moments answer equally.

mod call;
mod dice;
mod envelope;
mod faults;
mod log;
mod options;
mod transport;

pub use faults::{Fault, FaultPlan, Lost};
pub use log::{WriteEntry, WriteVerb};
pub use options::{AccessToken, DEFAULT_TOKEN, Options, Tier};
pub use transport::SandboxTransport;

use sdk::{Request, Response, Timestamp};

use self::call::Call;
use self::envelope::{Answer, Problem};
use self::log::WriteLog;

/// One account and everything in it.
#[derive(Debug)]
pub struct HubSpot {
    options: Options,
    log: WriteLog,
    n_calls: u64,
}

impl HubSpot {
    /// An account with its seeded records.
    pub fn new(options: Options) -> Self {
        Self { log: WriteLog::new(options.log_path.clone(), 0), options, n_calls: 0 }
    }

    /// The answer to a request that arrives at `now`. Where the fault plan would lose the answer, it is 504.
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        self.exchange(request, now).unwrap_or_else(|_| Response { status: 504, ..Response::default() })
    }

    /// The same with the network's faults: the answer, or how it was lost.
    pub fn exchange(&mut self, request: &Request, now: Timestamp) -> Result<Response, Lost> {
        self.n_calls += 1;
        let call = Call::of(request);
        let answer = self.answer(&call, now);
        Ok(match answer {
            Ok(answer) => Response { status: answer.status, ..Response::default() },
            Err(problem) => Response { status: problem.status, ..Response::default() },
        })
    }

    /// Every applied write of a client since this account was made or loaded, in order.
    pub fn writes(&self) -> &[WriteEntry] {
        &self.log.entries
    }

    fn answer(&mut self, _call: &Call, _now: Timestamp) -> Result<Answer, Problem> {
        Err(Problem::no_such_route())
    }
}
