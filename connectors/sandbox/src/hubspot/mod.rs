//! HubSpot's CRM API, as strict as the service: a client that works here works there.
//!
//! A [`HubSpot`] is one account. [`HubSpot::handle`] takes a request and the moment it arrives, and answers; there is
//! no clock, no network and no chance in it, so equal accounts with equal requests at equal moments answer equally.
//! Where the service's behaviour is not known, the stricter guess is taken, and a comment says that it is one.
//!
//! Not here: labels of associations, engagements other than notes, custom objects, property history.

mod account;
mod associations;
mod auth;
mod batch;
mod call;
mod churn;
mod default_properties;
mod definitions;
mod dice;
mod direct;
mod envelope;
mod faults;
mod filter;
mod index;
mod kinds;
mod limits;
mod lists;
mod log;
mod names;
mod objects;
mod options;
mod ordered;
mod properties;
mod route;
mod search;
mod seed;
mod serve;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod transport;
mod values;
mod write;

pub use churn::Change;
pub use direct::{RecordView, Unknown};
pub use faults::{Fault, FaultPlan, Lost};
pub use log::{WriteEntry, WriteVerb};
pub use options::{AccessToken, DEFAULT_TOKEN, Options, Tier};
pub use serve::{ServeOptions, Server, serve};
pub use state::StateError;
pub use transport::SandboxTransport;

use std::collections::BTreeMap;
use std::time::Duration;

use sdk::{Request, Response, Timestamp};

use self::associations::Pairs;
use self::call::Call;
use self::dice::{Purpose, draw, draw_below};
use self::envelope::{Answer, Problem};
use self::kinds::Object;
use self::limits::Limits;
use self::lists::Lists;
use self::log::WriteLog;
use self::route::Place;
use self::table::Table;

/// The longest that a request may be on its way after its client gave up.
const LATEST_MILLIS: u64 = 300_000;

/// One account and everything in it.
pub struct HubSpot {
    options: Options,
    /// In the order of the objects.
    tables: Vec<Table>,
    pairs: Pairs,
    lists: Lists,
    limits: Limits,
    log: WriteLog,
    n_calls: u64,
    n_churns: u64,
    /// Rises with every change of any record.
    sequence: u64,
    /// How far the server's clock is ahead of the moments it is told.
    skew_millis: i64,
    /// The newest stamp the server has given: its time never falls behind it.
    newest_stamp: Timestamp,
    /// Requests whose clients gave up, by the moment they are applied.
    late: BTreeMap<(Timestamp, u64), Request>,
    /// What goes wrong with the call that is being answered.
    fault: Option<Fault>,
}

impl HubSpot {
    /// An account with its seeded records, all of them visible to search.
    pub fn new(options: Options) -> Self {
        let mut account = Self::empty(options);
        account.sow();
        account
    }

    /// The answer to a request that arrives at `now`. Where the fault plan loses the answer, a gateway says 504.
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        match self.exchange(request, now) {
            Ok(response) => response,
            Err(Lost::NotConnected | Lost::Timeout | Lost::Reset) => self.server_error(504, now),
        }
    }

    /// The same with the network's faults: the answer, or how it was lost.
    pub fn exchange(&mut self, request: &Request, now: Timestamp) -> Result<Response, Lost> {
        self.settle(now);
        self.n_calls += 1;
        match self.options.faults.draw(self.n_calls) {
            None => Ok(self.answered(request, None, now)),
            Some(fault) => self.disturbed(request, fault, now),
        }
    }

    /// Every applied write of a client since this account was made or loaded, in order.
    pub fn writes(&self) -> &[WriteEntry] {
        &self.log.entries
    }

    /// How many requests have arrived, those that were lost included. The next one is this plus one to the fault plan.
    pub fn calls(&self) -> u64 {
        self.n_calls
    }

    /// What goes wrong from now on.
    pub fn faults_mut(&mut self) -> &mut FaultPlan {
        &mut self.options.faults
    }

    /// The server's time at this moment: its clock, which never falls behind a stamp it has given.
    pub fn server_time(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.millis().saturating_add(self.skew_millis)).max(self.newest_stamp)
    }

    /// Applies late requests and shows search what has become visible.
    fn settle(&mut self, now: Timestamp) {
        while let Some(next) = self.late.first_entry()
            && next.key().0 <= now
        {
            let ((at, _), request) = next.remove_entry();
            self.catch_up(at);
            self.answered(&request, None, at);
        }
        self.catch_up(now);
    }

    fn catch_up(&mut self, now: Timestamp) {
        self.tables.iter_mut().for_each(|table| table.index.catch_up(now));
    }

    fn answered(&mut self, request: &Request, fault: Option<Fault>, now: Timestamp) -> Response {
        let call = Call::of(request);
        let place = Place::of(&call.path);
        self.fault = fault;
        let outcome = match self.admit(request, &call, place, now) {
            Ok(token) => self.route(place, token, &call, now),
            Err(problem) => Err(problem),
        };
        self.fault = None;
        let counted = if place.is_search() { None } else { self.authenticate(&call).ok() };
        self.response(outcome, counted, now)
    }

    /// Who asks; refuses those who may not, and those who ask too often.
    fn admit<'a>(
        &mut self,
        request: &Request,
        call: &'a Call,
        place: Place<'_>,
        now: Timestamp,
    ) -> Result<&'a str, Problem> {
        if Call::is_too_long(request) {
            return Err(Problem { status: 414, html: true, ..Problem::default() });
        }
        let token = self.authenticate(call)?;
        self.limits.take(self.options.tier, token, place.is_search(), now)?;
        Ok(token)
    }

    /// A call that goes wrong in this way.
    fn disturbed(&mut self, request: &Request, fault: Fault, now: Timestamp) -> Result<Response, Lost> {
        let detail = draw(self.options.faults.seed, Purpose::FaultDetail, self.n_calls);
        let gateway = [500, 502, 503, 504][(detail % 4) as usize];
        match fault {
            Fault::RateLimited => Ok(self.too_many(request, None, now)),
            Fault::RateLimitedRetryAfter => Ok(self.too_many(request, Some("3"), now)),
            Fault::RateLimitedOddRetryAfter => {
                let odd = ["soon", "Wed, 21 Oct 2015 07:28:00 GMT", "-1"][(detail % 3) as usize];
                Ok(self.too_many(request, Some(odd), now))
            }
            Fault::ServerErrorBefore => Ok(self.server_error(gateway, now)),
            Fault::ServerErrorAfter => {
                self.answered(request, None, now);
                Ok(self.server_error(gateway, now))
            }
            Fault::NotConnected => Err(Lost::NotConnected),
            Fault::TimeoutBefore => Err(Lost::Timeout),
            Fault::TimeoutAfter => {
                self.answered(request, None, now);
                Err(Lost::Timeout)
            }
            Fault::AppliedLate => {
                let millis = draw_below(self.options.faults.seed, Purpose::FaultDetail, self.n_calls, LATEST_MILLIS);
                // The client waits until its deadline first.
                let at = now + request.deadline + Duration::from_millis(millis);
                self.late.insert((at, self.n_calls), request.clone());
                Err(Lost::Timeout)
            }
            Fault::ResetBefore => Err(Lost::Reset),
            Fault::ResetAfter => {
                self.answered(request, None, now);
                Err(Lost::Reset)
            }
            Fault::DeliveredTwice => {
                self.answered(request, None, now);
                Ok(self.answered(request, None, now))
            }
            Fault::TokenExpired => Ok(self.response(Err(auth::expired()), None, now)),
            Fault::ScopeLost => Ok(self.response(Err(auth::missing_scopes(&["crm.objects.contacts.read"])), None, now)),
            Fault::BrokenJson => {
                let mut response = self.answered(request, None, now);
                response.body.truncate(response.body.len() / 2);
                Ok(response)
            }
            Fault::HtmlPage => {
                let mut response = self.answered(request, None, now);
                response.status = 200;
                response.body = b"<!DOCTYPE html><html><body>We'll be right back</body></html>".to_vec();
                set_header(&mut response, "content-type", "text/html");
                Ok(response)
            }
            Fault::WrongContentType => {
                let mut response = self.answered(request, None, now);
                set_header(&mut response, "content-type", "text/plain");
                Ok(response)
            }
            Fault::PageReordered
            | Fault::RowRepeated
            | Fault::FilterIgnored
            | Fault::EmptyPageWithNext
            | Fault::LoopingNext
            | Fault::RacedConflict => Ok(self.answered(request, Some(fault), now)),
        }
    }

    fn too_many(&mut self, request: &Request, retry_after: Option<&str>, now: Timestamp) -> Response {
        let call = Call::of(request);
        let problem = if Place::of(&call.path).is_search() {
            limits::rate_limit("You have reached your secondly limit.", None)
        } else {
            limits::rate_limit("You have reached your ten_secondly_rolling limit.", Some("TEN_SECONDLY_ROLLING"))
        };
        let mut response = self.response(Err(problem), None, now);
        if let Some(retry_after) = retry_after {
            set_header(&mut response, "retry-after", retry_after);
        }
        response
    }

    fn server_error(&mut self, status: u16, now: Timestamp) -> Response {
        let message = "internal error";
        self.response(Err(Problem { status, message: message.to_owned(), ..Problem::default() }), None, now)
    }

    /// The answer as it goes over the wire; with the headers of this app's limits where it has one.
    fn response(&self, outcome: Result<Answer, Problem>, app: Option<&str>, now: Timestamp) -> Response {
        let correlation_id = self.correlation_id();
        let json = "application/json;charset=utf-8";
        let (status, body, content_type) = match outcome {
            Ok(Answer { status, body: Some(body) }) => (status, body.to_string().into_bytes(), Some(json)),
            Ok(Answer { status, body: None }) => (status, Vec::new(), None),
            Err(problem) if problem.html => {
                let page = format!(
                    "<html><head><title>Error {0}</title></head><body>HTTP ERROR {0}</body></html>",
                    problem.status
                );
                (problem.status, page.into_bytes(), Some("text/html;charset=utf-8"))
            }
            Err(problem) => (problem.status, problem.body(&correlation_id).to_string().into_bytes(), Some(json)),
        };
        let mut headers = vec![("date".to_owned(), http_date(self.server_time(now)))];
        headers.extend(content_type.map(|it| ("content-type".to_owned(), it.to_owned())));
        headers.push(("x-hubspot-correlation-id".to_owned(), correlation_id));
        headers.extend(app.map(|app| self.limits.headers(self.options.tier, app)).unwrap_or_default());
        Response { status, headers, body }
    }

    /// A new one for each call, in the form of a UUID.
    fn correlation_id(&self) -> String {
        let high = draw(self.options.seed, Purpose::Correlation, self.n_calls * 2);
        let low = draw(self.options.seed, Purpose::Correlation, self.n_calls * 2 + 1);
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 50),
            low & 0xffff_ffff_ffff
        )
    }

    /// The account without a record.
    fn empty(options: Options) -> Self {
        let table = |object: Object| {
            let definitions =
                default_properties::default_definitions(object, Timestamp::from_millis(1_577_836_800_000));
            Table::new(object, definitions, options.seed, options.first_id)
        };
        Self {
            tables: Object::all().map(table).collect(),
            pairs: Pairs::new(),
            lists: Lists::new(),
            limits: Limits::default(),
            log: WriteLog::new(options.log_path.clone(), 0),
            n_calls: 0,
            n_churns: 0,
            sequence: 0,
            skew_millis: 0,
            newest_stamp: Timestamp::EPOCH,
            late: BTreeMap::new(),
            fault: None,
            options,
        }
    }
}

impl std::fmt::Debug for HubSpot {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither the records, which are many, nor the late requests, which carry tokens.
        out.debug_struct("HubSpot")
            .field("calls", &self.n_calls)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

fn set_header(response: &mut Response, name: &str, value: &str) {
    response.headers.retain(|(key, _)| key != name);
    response.headers.push((name.to_owned(), value.to_owned()));
}

/// Whole seconds, as HTTP writes a moment.
fn http_date(moment: Timestamp) -> String {
    moment.to_jiff().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
