//! The bare loop: the same calls and the same durable rows as the engine makes, and nothing else.
//!
//! It reads pages by search, stores a run, a seen row and the cursor with each page; for every customer it stores the
//! intent, writes, and stores the outcome with the run's end. Sixteen requests are in flight.

mod ledger;
mod service;

use std::path::Path;

use futures::StreamExt as _;
use serde_json::{Value as Json, json};

use crate::process::{self, Measured, Stopwatch, cpu_seconds, memory_mib};
use ledger::{Change, Ledger};
use service::{PAGE, Service};

const IN_FLIGHT: usize = 16;

/// The bare loop's role.
pub async fn work(arguments: &[String]) -> anyhow::Result<()> {
    let [dir, crm, copy, commits] = arguments else { anyhow::bail!("the bare loop takes a folder and two addresses") };
    let ledger = Ledger::create(Path::new(dir), commits == "grouped")?;
    let service = Service::new(crm, copy)?;

    let (watch, cpu_before) = (Stopwatch::start(), cpu_seconds()?);
    let (mut n_read, mut n_written) = (0_i64, 0_u64);
    let mut after = "0".to_owned();
    loop {
        let records = service.search(&after).await?;
        let is_last = records.len() < PAGE;
        let Some(last) = records.last() else { break };
        after = text(last, "/id");
        ledger.keep(Change::Page { first_run: n_read, records: records.clone(), cursor: after.clone() }).await?;
        let runs = records.into_iter().zip(n_read..).map(|(record, run)| one(&service, &ledger, record, run));
        let mut runs = futures::stream::iter(runs.collect::<Vec<_>>()).buffer_unordered(IN_FLIGHT);
        while let Some(written) = runs.next().await {
            n_written += u64::from(written?);
            n_read += 1;
        }
        if is_last {
            break;
        }
    }
    let measured = Measured {
        seconds: watch.elapsed().as_secs_f64(),
        cpu: cpu_seconds()? - cpu_before,
        peak_mib: memory_mib(std::process::id(), "VmHWM")?,
        records: n_read.cast_unsigned(),
        written: n_written,
    };
    ledger.close()?;
    process::tell(&measured)
}

/// One contact; whether it was written.
async fn one(service: &Service, ledger: &Ledger, record: Json, run: i64) -> anyhow::Result<bool> {
    let field = |name: &str| text(&record, &format!("/properties/{name}"));
    if field("lifecyclestage") != "customer" || field("email").is_empty() {
        ledger.keep(Change::Skipped { run }).await?;
        return Ok(false);
    }
    let email = field("email").to_lowercase();
    let properties = json!({"properties": {
        "email": email, "firstname": field("firstname"), "lastname": field("lastname"),
        "phone": field("phone"), "city": field("city"),
    }});
    ledger.keep(Change::Intent { run }).await?;
    let target = service.upsert(&email, &properties).await?;
    ledger.keep(Change::Outcome { run, target }).await?;
    Ok(true)
}

fn text(json: &Json, pointer: &str) -> String {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned()
}
