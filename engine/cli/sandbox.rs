//! `millrace sandbox`: a stand-in of a remote service on this machine, to try flows on.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::sandbox::hubspot::{AccessToken, DEFAULT_TOKEN, HubSpot, Options, ServeOptions, Server, Tier, serve};
use clap::{Args, Subcommand, ValueEnum};
use sdk::{Clock as _, SystemClock};
use tokio::net::TcpListener;

use crate::tables::counted;
use crate::{Failure, durations, screen, signals};

/// Which service.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// HubSpot's CRM: contacts, companies, deals, tickets
    #[command(after_help = "Example:\n  millrace sandbox hubspot --port 8090 --records 1000 --churn 2")]
    Hubspot(HubSpotArguments),
}

/// Arguments of `sandbox hubspot`.
#[derive(Args, Debug)]
pub struct HubSpotArguments {
    /// Where to listen, on this machine only; 0 takes any free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A token that may enter, with the scopes it was granted; all scopes where none is named. May be given several
    /// times
    #[arg(long, value_name = "TOKEN[:SCOPE,…]", value_parser = token)]
    token: Vec<AccessToken>,
    /// Keep the account in this file, and go on from it
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    #[command(flatten)]
    account: AccountArguments,
    /// Records made or changed in a second
    #[arg(long, default_value_t = 0.0, value_name = "RATE", value_parser = rate)]
    churn: f64,
}

/// What kind of account; the demo takes these too.
#[derive(Args, Clone, Debug)]
pub struct AccountArguments {
    /// Contacts to begin with; there are a fifth as many companies
    #[arg(long, default_value_t = 300, value_name = "N")]
    pub records: usize,
    /// Decides every draw: the same seed makes the same account
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// The longest time until search knows of a change
    #[arg(long, default_value = "5s", value_name = "DURATION", value_parser = durations::parse)]
    pub lag: Duration,
    /// How many requests the account may make
    #[arg(long, value_enum, default_value_t = TierArgument::Professional)]
    pub tier: TierArgument,
}

/// A subscription, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TierArgument {
    /// 100 requests in ten seconds, 250,000 a day
    Free,
    /// 190 requests in ten seconds, 625,000 a day
    Professional,
    /// 190 requests in ten seconds, 1,000,000 a day
    Enterprise,
    /// No limit, not even that of search
    Unlimited,
}

impl AccountArguments {
    /// The sandbox's own options.
    pub fn options(&self) -> Options {
        Options {
            seed: self.seed,
            records: self.records,
            started_at: SystemClock.now(),
            lag: self.lag,
            tier: match self.tier {
                TierArgument::Free => Tier::Free,
                TierArgument::Professional => Tier::Professional,
                TierArgument::Enterprise => Tier::Enterprise,
                TierArgument::Unlimited => Tier::Unlimited,
            },
            ..Options::default()
        }
    }
}

/// A served account.
pub struct Served {
    /// The account.
    pub hubspot: Arc<Mutex<HubSpot>>,
    /// Its server.
    pub server: Server,
}

/// Serves an account on this machine: that of the file, or a new one.
pub async fn start(options: Options, serving: ServeOptions, port: u16) -> Result<Served, Failure> {
    let hubspot = match &serving.state_path {
        Some(path) => HubSpot::load_or_new(path, options)
            .map_err(|error| Failure::file("load the sandbox from", path)(std::io::Error::other(error)))?,
        None => HubSpot::new(options),
    };
    let hubspot = Arc::new(Mutex::new(hubspot));
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| Failure::Port { port, source })?;
    let server = serve(hubspot.clone(), listener, Arc::new(SystemClock), serving)
        .map_err(Failure::system("serve the sandbox"))?;
    Ok(Served { hubspot, server })
}

/// Does it.
pub async fn run(command: Command) -> Result<(), Failure> {
    let Command::Hubspot(arguments) = command;
    let tokens = arguments.token.clone();
    let shown = tokens.first().map_or(DEFAULT_TOKEN, |access| access.token.as_str()).to_owned();
    let options = Options { tokens, ..arguments.account.options() };
    let serving = ServeOptions {
        churn_per_second: arguments.churn,
        state_path: arguments.state.clone(),
        ..ServeOptions::default()
    };
    let served = start(options, serving, arguments.port).await?;
    let n_records = |object: &str| {
        let hubspot = served.hubspot.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        hubspot.records(object).map(|records| records.count() as u64).unwrap_or_default()
    };
    screen::say(&format!(
        "HubSpot, as far as this machine is concerned: {} and {} companies.\n\n  \
         export HUBSPOT_URL={}\n  export HUBSPOT_TOKEN={shown}\n\nCtrl-C stops it.\n",
        counted(n_records("contacts"), "contact"),
        n_records("companies"),
        served.server.url(),
    ));
    signals::stop_token().cancelled().await;
    served.server.stop().await.map_err(Failure::system("stop the sandbox"))
}

/// Reads a rate: a number that is not negative.
pub fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.0..=1000.0).contains(&rate) => Ok(rate),
        Ok(_) | Err(_) => Err("a rate is a number of changes in a second, such as `0.5`, at most 1000".to_owned()),
    }
}

fn token(text: &str) -> Result<AccessToken, String> {
    let (token, scopes) = match text.split_once(':') {
        Some((token, scopes)) => (token, Some(scopes.split(',').map(|scope| scope.trim().to_owned()).collect())),
        None => (text, None),
    };
    if token.is_empty() {
        return Err("a token comes first, then perhaps `:` and scopes".to_owned());
    }
    Ok(AccessToken { token: token.to_owned(), scopes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_carry_their_scopes() {
        let access = token("abc:crm.objects.contacts.read,crm.schemas.contacts.read").unwrap();
        assert_eq!(access.token, "abc");
        assert_eq!(access.scopes.unwrap(), ["crm.objects.contacts.read", "crm.schemas.contacts.read"]);
        assert!(token("abc").unwrap().scopes.is_none());
        assert!(token(":x").is_err());
    }

    #[test]
    fn rates_are_numbers_that_make_sense() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for wrong in ["-1", "NaN", "inf", "many"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
