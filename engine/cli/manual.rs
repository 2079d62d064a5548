//! `millrace man`: a manual page for every command.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use crate::tables::counted;
use crate::{Failure, screen};

/// Arguments of `man`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  millrace man ~/.local/share/man/man1")]
pub struct Arguments {
    /// The folder to write them into; it is made where it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let dir = &arguments.dir;
    fs::create_dir_all(dir).map_err(Failure::file("make", dir))?;
    clap_mangen::generate_to(crate::Arguments::command(), dir).map_err(Failure::file("write into", dir))?;
    let written = fs::read_dir(dir).map_err(Failure::file("look into", dir))?.flatten();
    let is_ours = |name: &str| name.starts_with("millrace") && name.ends_with(".1");
    let n_pages = written.filter(|entry| entry.file_name().to_str().is_some_and(is_ours)).count() as u64;
    screen::say(&format!("{} written to `{}`.\n", counted(n_pages, "manual page"), dir.display()));
    Ok(())
}
