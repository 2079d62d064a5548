//! Addresses, encryption, who we are, and connections that are lost.

use std::time::Duration;

use sdk::{Class, Connector as _, Reach, Secret, Settings, Timestamp};

use super::place::{Place, connect};
use crate::postgres::Postgres;
use crate::postgres::address::Address;

fn parse(url: &str) -> Result<Address, sdk::Error> {
    Address::parse(&Secret::new(url.to_owned()), None)
}

#[test]
fn only_a_server_on_this_machine_is_spoken_to_in_the_clear() {
    for (url, is_loopback, is_encrypted) in [
        ("postgres://u@localhost/d", true, false),
        ("postgresql://u:p@127.0.0.1:5433/d?sslmode=prefer", true, false),
        ("postgres://u@[::1]/d?sslmode=disable", true, false),
        ("postgres://u@127.0.0.1/d?sslmode=verify-full", true, true),
        ("host=/var/run/postgresql user=u dbname=d", true, false),
        ("postgres://u@db.example.com/d", false, true),
        ("postgres://u@10.0.0.5/d?sslmode=prefer", false, true),
        ("postgres://u@localhost,db.example.com/d", false, true),
        // The number is what is connected to, whatever the name says.
        ("host=localhost hostaddr=10.0.0.5 user=u dbname=d", false, true),
        ("postgres://u@localhost.example.com/d?sslmode=verify-ca&connect_timeout=5", false, true),
    ] {
        let address = parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!((address.is_loopback, address.tls.is_some()), (is_loopback, is_encrypted), "{url}");
    }
    let error = parse("postgres://u@db.example.com/d?sslmode=disable").err().expect("in the clear");
    assert!(error.class == Class::Invalid && error.message.contains("only encrypted"), "{error}");
}

#[test]
fn an_address_that_cannot_be_read_is_refused_without_being_shown() {
    for url in [
        "hunter2",
        "postgres://u:hunter2@",
        "postgres://u:hunter2@host",
        "postgres://:hunter2@host/d",
        "postgres://u:hunter2@host:port/d",
        "postgres://u:hunter2@host/d?nonsense=1",
        "host=h password='hunter2",
        "mysql://u:hunter2@host/d",
    ] {
        let error = parse(url).err().unwrap_or_else(|| panic!("{url} is refused"));
        assert_eq!(error.class, Class::Invalid, "{url}");
        assert!(
            !error.message.contains("hunter2") && error.message.contains("postgres://USER:PASSWORD@HOST"),
            "{error}"
        );
    }
    let context = connect("", &[]).err().expect("empty");
    assert!(context.message.contains("`url` is empty"), "{context}");
    assert!(Postgres.descriptor().settings.iter().any(|setting| setting.name == "url" && setting.required));
    assert!(!format!("{:?}", Settings::default()).contains("hunter2"));
}

#[tokio::test]
async fn a_check_says_who_we_are_and_a_wrong_password_is_never_shown() {
    let place = Place::with("CREATE TABLE a (id int PRIMARY KEY); CREATE VIEW b AS SELECT 1 AS id").await;
    let account = place.connect().check().await.expect("we are let in");
    assert_eq!(account.id, format!("millrace@127.0.0.1:{}/{}", place.server.port, place.database));
    assert!(account.title.ends_with("with 2 tables in `public`"), "{}", account.title);

    let locked =
        |password: &str| format!("postgres://locked:{password}@127.0.0.1:{}/{}", place.server.port, place.database);
    assert!(connect(&locked("hunter2-hunter2"), &[]).unwrap().check().await.is_ok());
    let error = connect(&locked("hunter3-hunter3"), &[]).unwrap().check().await.expect_err("wrong");
    assert!(error.class == Class::Auth && !error.message.contains("hunter"), "{error:?}");
    let without = format!("postgres://locked@127.0.0.1:{}/{}", place.server.port, place.database);
    assert_eq!(connect(&without, &[]).unwrap().check().await.expect_err("none").class, Class::Auth);

    let nowhere = connect(&place.url().replace(&place.database, "nowhere"), &[]).unwrap();
    assert_eq!(nowhere.check().await.expect_err("no database").class, Class::Invalid);
    let error = connect(&place.url(), &[("schema", "nope")]).unwrap().check().await.expect_err("no schema");
    assert!(error.class == Class::Invalid && error.message.contains("no schema `nope`"), "{error}");
    let silent = connect("postgres://u@127.0.0.1:1/d", &[]).unwrap();
    let error = silent.check().await.expect_err("nobody listens");
    assert_eq!((error.class, error.reach), (Class::Transient, Reach::Away));
}

/// A role may be called by its own password; the server says the name where it refuses it.
#[tokio::test]
async fn a_secret_in_what_the_server_says_is_taken_out() {
    let place = Place::with("").await;
    let url = format!("postgres://correct-horse:correct-horse@127.0.0.1:{}/{}", place.server.port, place.database);
    let error = connect(&url, &[]).unwrap().check().await.expect_err("no such role");
    assert!(error.message.contains("***") && !error.message.contains("correct-horse"), "{error}");
}

#[tokio::test]
async fn an_encrypted_connection_wants_a_certificate_for_the_servers_name() {
    let place = Place::with("").await;
    let url = |host: &str| place.url().replace("127.0.0.1", host) + "?sslmode=verify-full";
    let authority = ("authority", "authority.pem");

    let trusted = connect(&url("localhost"), &[authority]).unwrap();
    trusted.check().await.expect("the authority signed it");
    let n_encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'millrace' \
         AND datname = current_database()";
    assert_eq!(place.rows(n_encrypted).await, ["1"]);

    for (host, settings) in [("localhost", &[][..]), ("127.0.0.1", &[authority][..])] {
        // A machine that trusts nobody refuses when the settings are read.
        let refused = match connect(&url(host), settings) {
            Ok(connection) => connection.check().await.expect_err("no certificate for it"),
            Err(error) => error,
        };
        assert!(refused.message.contains("certificate"), "{refused}");
    }
    let none = connect(&url("localhost"), &[("authority", "server.key")]).err().expect("no certificate in it");
    assert!(none.class == Class::Invalid && none.message.contains("there is none in it"), "{none}");
}

#[tokio::test]
async fn a_lost_connection_is_opened_anew() {
    let place = Place::with("CREATE TABLE t (id int PRIMARY KEY)").await;
    let connection = place.connect();
    connection.check().await.unwrap();
    let gone = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
                WHERE application_name = 'millrace' AND datname = current_database()";
    assert_eq!(place.rows(gone).await, ["t"], "one connection was kept");
    // The first try may still find the one that was kept; it says so, and the next one finds another.
    if let Err(error) = connection.check().await {
        assert_eq!((error.class, error.reach), (Class::Transient, Reach::Away));
    }
    connection.check().await.expect("a new connection");
}

#[tokio::test]
async fn the_time_is_the_servers_own() {
    let place = Place::with("").await;
    let before =
        place.rows("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint").await[0].parse().unwrap();
    let time = place.connect().server_time().await.unwrap();
    let since = time.since(Timestamp::from_millis(before));
    assert!(time.millis() >= before && since < Duration::from_secs(60), "{before} {time}");
}

#[tokio::test]
async fn more_callers_than_connections_are_all_answered() {
    let place = Place::with("").await;
    let connection = place.connect();
    let all = futures::future::join_all((0..40).map(|_| connection.server_time())).await;
    assert!(all.iter().all(Result::is_ok));
    let n_kept =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'millrace' AND datname = current_database()";
    assert_eq!(place.rows(n_kept).await, ["4"]);
}

#[test]
fn a_machine_without_postgresql_is_told_which_package_to_install() {
    let sentence = super::server::binaries(&["/nowhere"], "NO_SUCH_PATH").expect_err("nothing is there");
    assert!(sentence.contains("apt-get install postgresql"), "{sentence}");
}
