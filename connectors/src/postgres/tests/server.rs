//! One PostgreSQL server for all tests of a binary: on a free port of this machine, in a folder of its own. The tests
//! of the whole engine include this file as well.
//!
//! A small shell holds it. When this process ends, in whatever way, the shell's input ends with it; it then stops the
//! server by its process id and removes the folder.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// A running server.
pub(super) struct Server {
    pub(super) port: u16,
    /// Where its socket is.
    pub(super) folder: PathBuf,
    /// Ends with this process.
    _holder: Child,
}

/// The roles: `millrace` is let in from anywhere here, `locked` by its password alone.
const ACCESS: &str = "local all all trust\nhost all locked all scram-sha-256\nhost all all all trust\n";

/// What it shows to those who want it encrypted.
const CERTIFICATE: [(&str, &str); 2] =
    [("server.pem", include_str!("testdata/server.pem")), ("server.key", include_str!("testdata/server.key"))];

const HOLD: &str = r#"
"$1/postgres" -D "$2/data" -c port="$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$2" \
    -c hba_file="$2/access" -c ssl=on -c ssl_cert_file="$2/server.pem" -c ssl_key_file="$2/server.key" \
    -c fsync=off -c full_page_writes=off -c max_connections=200 -c timezone=Asia/Tokyo -c datestyle=German,DMY &
server=$!
read -r _
kill -INT "$server"
wait "$server"
rm -rf "$2"
"#;

/// The server, started when it is first asked for.
pub(super) async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(start).await
}

async fn start() -> Server {
    let binaries = binaries(&["/usr/lib/postgresql"], "PATH").unwrap_or_else(|sentence| panic!("{sentence}"));
    let folder = tempfile::Builder::new().prefix("millrace-postgres-").tempdir().expect("a folder").keep();
    // The server refuses to run as root.
    let owner = (fs::metadata(&folder).expect("the folder").uid() == 0).then(|| (id_of("-u"), id_of("-g")));

    for (name, content) in CERTIFICATE {
        fs::write(folder.join(name), content).expect("the certificate");
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).expect("its mode");
    }
    fs::write(folder.join("access"), ACCESS).expect("the access file");
    for name in ["", "server.pem", "server.key", "access"] {
        if let Some((user, group)) = owner {
            chown(folder.join(name), Some(user), Some(group)).expect("its owner");
        }
    }

    let owned = |mut command: Command| {
        if let Some((user, group)) = owner {
            command.uid(user).gid(group);
        }
        command.current_dir(&folder).env("LC_ALL", "C");
        command
    };
    let mut made = Command::new(binaries.join("initdb"));
    made.args(["--auth=trust", "--username=millrace", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]);
    made.arg(folder.join("data"));
    let made = owned(made).output().expect("initdb runs");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));

    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let log = fs::File::create(folder.join("log")).expect("a log");
    let mut holder = Command::new("sh");
    holder.args(["-c", HOLD, "sh"]).arg(&binaries).arg(&folder).arg(port.to_string());
    holder.stdin(Stdio::piped()).stdout(log.try_clone().expect("the log")).stderr(log);
    let server = Server { port, _holder: owned(holder).spawn().expect("a shell"), folder };

    for _ in 0..1500 {
        if let Ok(client) = server.try_direct("postgres").await {
            let roles = "CREATE ROLE locked LOGIN PASSWORD 'hunter2-hunter2'";
            client.batch_execute(roles).await.expect("the roles");
            return server;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the server did not start: {}", fs::read_to_string(server.folder.join("log")).unwrap_or_default());
}

impl Server {
    /// A connection past the connector.
    pub(super) async fn direct(&self, database: &str) -> Client {
        self.try_direct(database).await.expect("a connection")
    }

    async fn try_direct(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let mut config = tokio_postgres::Config::new();
        config.host_path(&self.folder).port(self.port).user("millrace").dbname(database);
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// Where `postgres` and `initdb` are: of several versions the newest, else on the path.
pub(super) fn binaries(roots: &[&str], path: &str) -> Result<PathBuf, String> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for root in roots {
        let versions = fs::read_dir(root).into_iter().flatten().flatten();
        folders.extend(versions.map(|version| version.path().join("bin")));
    }
    folders.sort_by_key(|folder| {
        let version =
            folder.parent().and_then(|folder| folder.file_name()).and_then(|name| name.to_str()?.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    folders.extend(std::env::split_paths(&std::env::var_os(path).unwrap_or_default()));
    let is_whole = |folder: &PathBuf| folder.join("postgres").exists() && folder.join("initdb").exists();
    folders.into_iter().find(is_whole).ok_or_else(|| {
        "no PostgreSQL server found, and the `postgres` connector is tested against one; install it: \
         `apt-get install postgresql`, `dnf install postgresql-server`, or `brew install postgresql`"
            .to_owned()
    })
}

/// The id of the user that the package made, or of one who may do nothing.
fn id_of(which: &str) -> u32 {
    let output = Command::new("id").args([which, "postgres"]).output().expect("id runs");
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(65_534)
}
