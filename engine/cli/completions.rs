//! `millrace completions`: what a shell must know to complete a command line.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::screen;

/// Arguments of `completions`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    source <(millrace completions bash)\n  \
    millrace completions zsh > \"${fpath[1]}/_millrace\"\n  \
    millrace completions fish > ~/.config/fish/completions/millrace.fish")]
pub struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Does it.
pub fn run(arguments: &Arguments) {
    screen::say(&script(arguments.shell));
}

/// The shell's script, from the same command line that is understood here.
fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    // Every command has `--help`; offered twice, it would stand in the way.
    let mut command = crate::Arguments::command().disable_help_subcommand(true);
    clap_complete::generate(shell, &mut command, "millrace", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
