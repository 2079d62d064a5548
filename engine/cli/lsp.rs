//! `millrace lsp`: what an editor asks while flows are written, answered over standard input and output.
//!
//! It is the check of `millrace check`, with the texts of open buffers over the files on disk; nothing is asked of any
//! service. One thread answers in the order of asking. What is typed faster than it is checked is checked once, when no
//! further message waits. A client that goes away without a word ends it.

mod completion;
mod definition;
mod diagnostics;
mod documents;
mod fixes;
mod formatting;
mod hover;
mod projects;
mod protocol;
mod server;

use std::sync::mpsc::{self, TryRecvError};

use clap::Args;
use lsp_server::{Connection, Message};

use crate::Failure;
use server::{End, Server};

/// Arguments of `lsp`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example, as an editor calls it:\n  millrace lsp --env production\n\nEditors start it by themselves; `docs/editor.md` shows how each is set up."
)]
pub struct Arguments {
    /// Take `connections.<ENV>.yaml` over `connections.yaml`
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// Speak over standard input and output, which it always does; editors add it by habit
    #[arg(long, hide = true)]
    stdio: bool,
}

/// Does it, until the editor says that it is enough.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let (Connection { sender, receiver }, threads) = Connection::stdio();
    // The way in holds one message at a time. Behind it they are seen to wait, so that only the last text is checked.
    let (into_queue, queue) = mpsc::channel();
    std::thread::spawn(move || receiver.into_iter().try_for_each(|message| into_queue.send(message)));

    let mut server = Server::new(arguments.env);
    let mut out: Vec<Message> = Vec::new();
    let end = loop {
        let next = match queue.try_recv() {
            Ok(message) => Some(message),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) if server.has_unchecked() => {
                server.check(&mut out);
                if !out.drain(..).all(|message| sender.send(message).is_ok()) {
                    break End::WithoutAWord;
                }
                continue;
            }
            Err(TryRecvError::Empty) => queue.recv().ok(),
        };
        let Some(message) = next else { break End::WithoutAWord };
        let end = server.take(message, &mut out);
        if !out.drain(..).all(|message| sender.send(message).is_ok()) {
            break End::WithoutAWord;
        }
        if let Some(end) = end {
            break end;
        }
    };
    drop(sender);
    match end {
        End::AsAgreed => threads.join().map_err(Failure::system("answer the editor")),
        End::WithoutAWord => Err(Failure::LeftAloneByEditor),
    }
}
