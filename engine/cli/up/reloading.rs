//! Changes of a project's files, taken up by the engine while it works, and told.

use runtime::Exchanged;
use sdk::{FlowId, SystemClock};
use tokio_util::sync::CancellationToken;

use crate::assemble::{Reloaded, Reloader};
use crate::signals::{HangUp, HangUps};
use crate::tables::{self, counted};
use crate::{problems, screen};

/// Takes changes up as they come, where files are watched, and whenever SIGHUP asks for it.
pub async fn keep_up(mut reloader: Reloader, mut hang_ups: HangUps, watches: bool, stop: CancellationToken) {
    let clock = SystemClock;
    let mut watch = reloader.watch();
    loop {
        let asked = tokio::select! {
            () = watch.changed(&clock), if watches => false,
            hang_up = hang_ups.next() => match hang_up {
                HangUp::Asked => true,
                HangUp::TerminalGone => {
                    // As if nobody had listened, but for the runs at work.
                    stop.cancel();
                    return;
                }
            },
        };
        let reloaded = reloader.reload().await;
        if asked && reloaded.is_nothing() {
            screen::tell("Read again: nothing has changed.\n");
        }
        tell(&reloaded);
    }
}

fn tell(reloaded: &Reloaded) {
    problems::show_diagnostics(&reloaded.diagnostics, &reloaded.sources);
    reloaded.unreadable.iter().for_each(problems::show);
    reloaded.notes.iter().for_each(|note| problems::warn(note));
    for behind in &reloaded.behind {
        problems::warn(&behind.told);
    }
    for (file, is_there) in &reloaded.caught_up {
        let what = if *is_there { "is as it runs again" } else { "is gone, and what was wrong with it" };
        screen::tell(&tables::marked(&format!("● {}  {what}\n", text::visible(file))));
    }
    for (flow, exchanged) in &reloaded.done {
        if let Some(line) = line(flow, exchanged) {
            screen::tell(&tables::marked(&format!("{line}\n")));
        }
    }
}

/// What became of a flow. Refusals are told with what else is not taken up.
fn line(flow: &FlowId, exchanged: &Exchanged) -> Option<String> {
    let finish = |n: usize, alone: &str, together: &str| match n {
        0 => String::new(),
        1 => format!("; 1 run under way {alone}"),
        _ => format!("; {} under way {together}", counted(n as u64, "run")),
    };
    Some(match exchanged {
        Exchanged::Added => format!("● {flow}  is new, and at work"),
        Exchanged::Replaced { finishing } => {
            let rest = finish(*finishing, "finishes as it began", "finish as they began");
            format!("● {flow}  has changed, and goes on so{rest}")
        }
        Exchanged::AfterPoll => format!("● {flow}  has changed, and goes on so after the poll under way"),
        Exchanged::Removed { finishing } => {
            let rest = finish(*finishing, "comes to its end", "come to their end");
            format!("○ {flow}  is gone, and begins nothing any more{rest}")
        }
        Exchanged::Refused(_) => return None,
    })
}
