//! `millrace pause` and `millrace resume`.

use clap::Args;
use runtime::Command;
use sdk::{Clock as _, FlowId, SystemClock};
use store::{EngineLock, FlowState, Store};

use crate::place::PlaceArguments;
use crate::{Failure, control, runs, screen};

/// Arguments of `pause` and `resume`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  millrace pause customers-to-warehouse\n  millrace resume customers-to-warehouse")]
pub struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The flow's id
    flow: String,
}

/// `millrace pause`.
pub async fn pause(arguments: Arguments) -> Result<(), Failure> {
    change(arguments, FlowState::Paused).await
}

/// `millrace resume`.
pub async fn resume(arguments: Arguments) -> Result<(), Failure> {
    change(arguments, FlowState::Active).await
}

/// Asks the running engine, or changes the store where none runs; the next engine begins with what it finds there.
async fn change(arguments: Arguments, state: FlowState) -> Result<(), Failure> {
    let place = arguments.place.place()?;
    let flow = FlowId::from(arguments.flow.as_str());
    let pauses = state == FlowState::Paused;
    let command = if pauses { Command::Pause(flow.clone()) } else { Command::Resume(flow.clone()) };
    if let Some(running) = control::statuses(&place.data).await? {
        let known: Vec<FlowId> = running.iter().filter_map(|one| one["flow"].as_str().map(FlowId::from)).collect();
        if !known.contains(&flow) {
            return Err(runs::no_flow(&flow, &known));
        }
    }
    if let Some(answer) = control::ask(&place.data, &command).await? {
        screen::tell(&format!("{answer}\n"));
        return Ok(());
    }
    // Looked at first, so that a mistyped folder is not made into an engine's.
    runs::known_flow(&place.read()?, &Some(flow.clone())).await?;
    let _lock = EngineLock::take(&place.data)?;
    let store = Store::open(&place.data)?;
    store.set_flow_state(&flow, state, None, SystemClock.now()).await?;
    store.close().await?;
    screen::tell(&format!(
        "{}\n",
        if pauses {
            format!("paused `{flow}`; no engine runs now, and the next one will leave it alone")
        } else {
            format!("resumed `{flow}`; no engine runs now, and the next one goes on from its cursor")
        }
    ));
    Ok(())
}
