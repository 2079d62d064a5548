//! Two sandboxes of HubSpot, each a process of its own, and a project between them.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::process::Stopwatch;

/// The binary that is measured.
pub const MILLRACE: &str = env!("CARGO_BIN_EXE_millrace");
/// What the sandboxes take for a token.
pub const TOKEN: &str = sandbox::hubspot::DEFAULT_TOKEN;

const FLOW: &str = "\
flow: customers
connections: {crm: hubspot, copy: hubspot}
trigger:
  poll: crm.contacts
  on: new_or_updated
  every: 15s
  start: beginning
when: record.lifecyclestage == \"customer\" && record.email != ()
steps:
  - upsert: copy.contacts
    match: email
    set:
      email: ${ record.email.to_lower() }
      firstname: ${ record.firstname }
      lastname: ${ record.lastname }
      phone: ${ record.phone }
      city: ${ record.city }
";

/// One sandbox, which ends with this value.
pub struct Sandbox {
    child: Child,
    pub url: String,
}

impl Sandbox {
    /// Serves an account with so many contacts and no limits.
    pub fn start(records: usize) -> anyhow::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let child = Command::new(MILLRACE)
            .args(["sandbox", "hubspot", "--tier", "unlimited", "--lag", "0s"])
            .args(["--port", &port.to_string(), "--records", &records.to_string()])
            .stdout(Stdio::null())
            .spawn()?;
        let sandbox = Self { child, url: format!("http://127.0.0.1:{port}") };
        let watch = Stopwatch::start();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            anyhow::ensure!(watch.elapsed() < Duration::from_secs(120), "the sandbox did not begin to listen");
            pause(Duration::from_millis(10));
        }
        Ok(sandbox)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a project into the folder that copies customers from one sandbox to the other.
pub fn write_project(dir: &Path, crm: &str, copy: &str) -> anyhow::Result<()> {
    let connection = |name: &str, url: &str| {
        format!(
            "{name}:\n  connector: hubspot\n  token: ${{ file(\"token\") }}\n  base_url: {url}\n  tier: unlimited\n"
        )
    };
    std::fs::create_dir_all(dir.join("flows"))?;
    std::fs::write(dir.join("connections.yaml"), format!("{}{}", connection("crm", crm), connection("copy", copy)))?;
    std::fs::write(dir.join("token"), TOKEN)?;
    std::fs::write(dir.join("flows/customers.yaml"), FLOW)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark waits for other processes in real time")]
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
