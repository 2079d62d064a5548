//! `millrace init`: a small project to begin with.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::place::{program, shown};
use crate::{Failure, screen};

/// Arguments of `init`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  millrace init my-flows")]
pub struct Arguments {
    /// The folder to make; an existing one must be empty
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// What a new project holds.
const FILES: [(&str, &str); 4] = [
    ("connections.yaml", include_str!("init/connections.yaml")),
    ("flows/new-contacts.yaml", include_str!("init/flows/new-contacts.yaml")),
    ("warehouse.sql", include_str!("init/warehouse.sql")),
    (".gitignore", ".millrace/\n*.db\n*.db-*\n"),
];

/// Does it.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let dir = &arguments.dir;
    if dir.exists() && fs::read_dir(dir).map_err(Failure::file("look into", dir))?.next().is_some() {
        return Err(Failure::NotEmpty { dir: dir.clone() });
    }
    fs::create_dir_all(dir.join("flows")).map_err(Failure::file("create", dir))?;
    for (name, content) in FILES {
        let path = dir.join(name);
        fs::write(&path, content).map_err(Failure::file("write", &path))?;
    }
    let program = program();
    let elsewhere = if dir.as_os_str() == "." { String::new() } else { format!(" -C {}", shown(dir)) };
    screen::say(&format!(
        "A project is in `{}`: a flow, the connections it uses, and a warehouse of its own.\n\n\
         Look for mistakes:   {program} check{elsewhere}\n\
         Serve a stand-in:    {program} sandbox hubspot --port 8090 --records 100\n\
         Run it there:        HUBSPOT_TOKEN=pat-na1-sandbox HUBSPOT_URL=http://127.0.0.1:8090 {program} up{elsewhere}\n",
        dir.display(),
    ));
    Ok(())
}
