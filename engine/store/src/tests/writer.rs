//! The writer thread: many callers' operations in one commit, each with its own answer.

use futures::future::join_all;
use rusqlite::Connection;

use super::*;
use crate::{Error, RunFilter, schema};

#[tokio::test]
async fn callers_that_wait_together_share_commits() {
    let (_dir, store, blocker) = blocked().await;
    let n_callers = 150;
    let before = store.commits();
    let callers: Vec<_> = (0..n_callers).map(|number| tokio::spawn(checkpoint_one(store.clone(), number))).collect();
    tokio::task::yield_now().await;
    blocker.execute_batch("COMMIT").unwrap();

    for answer in join_all(callers).await {
        assert_eq!(answer.unwrap().unwrap().runs, 1);
    }
    let commits = store.commits() - before;
    assert!(commits <= 3, "{n_callers} callers took {commits} commits");
    assert_eq!(runs(&store).await, 150);
}

#[tokio::test]
async fn an_operation_that_fails_takes_only_itself_back() {
    let (_dir, store, blocker) = blocked().await;
    let fenced = Checkpoint { epoch: 9, ..page(vec![row(1, "ann", 10)], 10) };
    let good = tokio::spawn(checkpoint_one(store.clone(), 2));
    let refused = tokio::spawn({
        let store = store.clone();
        async move { store.checkpoint(fenced).await }
    });
    // Two runs of one id: the second is refused when the cursor, the rows and the first are in the database already.
    let key = source_of(&FlowId::from("clashing"));
    let clashing = Checkpoint { key: key.clone(), ..page(vec![row(7, "ann", 10), row(7, "bob", 10)], 10) };
    let half = tokio::spawn({
        let store = store.clone();
        async move { store.checkpoint(clashing).await }
    });
    let other = tokio::spawn(checkpoint_one(store.clone(), 3));
    tokio::task::yield_now().await;
    blocker.execute_batch("COMMIT").unwrap();

    assert_eq!(good.await.unwrap().unwrap().runs, 1);
    assert!(matches!(refused.await.unwrap(), Err(Error::Fenced { yours: 9, current: 1 })));
    assert!(matches!(half.await.unwrap(), Err(Error::Database(_))));
    assert_eq!(store.cursor(&key).await.unwrap(), None, "no half of it is stored");
    assert_eq!(other.await.unwrap().unwrap().runs, 1);
    assert_eq!(runs(&store).await, 2);
}

#[tokio::test]
async fn a_full_disk_refuses_one_page_and_the_writer_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let connection = schema::open_writer(dir.path()).unwrap();
    let n_pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "max_page_count", n_pages + 40).unwrap();
    let store = Store::threaded_over(connection, dir.path().join("millrace.db")).unwrap();
    store.take_over(at(0)).await.unwrap();

    let large = |first: u128| page((first..first + 2000).map(|n| row(n, &format!("r{n}"), 10)).collect(), 10);
    let refused = store.checkpoint(large(1)).await;
    assert!(matches!(refused, Err(Error::DiskFull)), "{refused:?}");
    assert_eq!(store.cursor(&source()).await.unwrap(), None, "nothing of it is stored");
    assert_eq!(runs(&store).await, 0);

    checkpoint_one(store.clone(), 9999).await.unwrap();
    assert!(matches!(store.checkpoint(large(1)).await, Err(Error::DiskFull)));
    assert_eq!(runs(&store).await, 1, "what fits is stored");
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_page_that_does_not_fit_does_not_take_its_neighbours_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let connection = schema::open_writer(dir.path()).unwrap();
    let n_pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "max_page_count", n_pages + 40).unwrap();
    let path = dir.path().join("millrace.db");
    let store = Store::threaded_over(connection, path.clone()).unwrap();
    store.take_over(at(0)).await.unwrap();

    let blocker = block(&path);
    let first = tokio::spawn(checkpoint_one(store.clone(), 5001));
    let large = page((1..2000).map(|n| row(n, &format!("r{n}"), 10)).collect(), 10);
    let refused = tokio::spawn({
        let store = store.clone();
        async move { store.checkpoint(large).await }
    });
    let last = tokio::spawn(checkpoint_one(store.clone(), 5002));
    tokio::task::yield_now().await;
    blocker.execute_batch("COMMIT").unwrap();

    first.await.unwrap().unwrap();
    assert!(matches!(refused.await.unwrap(), Err(Error::DiskFull)));
    last.await.unwrap().unwrap();
    assert_eq!(runs(&store).await, 2);
}

#[tokio::test]
async fn a_dropped_call_is_done_or_not_done_and_the_store_goes_on() {
    let (_dir, store, blocker) = blocked().await;
    let call = tokio::spawn(checkpoint_one(store.clone(), 1));
    tokio::task::yield_now().await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    blocker.execute_batch("COMMIT").unwrap();
    checkpoint_one(store.clone(), 2).await.unwrap();
    assert_eq!(runs(&store).await, 2, "it had been handed over before it was dropped");
}

#[tokio::test]
async fn a_reader_sees_what_was_answered_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.take_over(at(0)).await.unwrap();
    let reader = Store::open_read_only(dir.path()).unwrap();
    for number in 1..=20 {
        checkpoint_one(store.clone(), number).await.unwrap();
        assert_eq!(runs(&reader).await as u128, number);
    }
    assert!(matches!(reader.take_over(at(1)).await, Err(Error::ReadOnly)));
    assert_eq!(reader.hash_target_key("ann"), store.hash_target_key("ann"));
    let copy = tempfile::tempdir().unwrap();
    reader.backup(&copy.path().join("millrace.db")).await.unwrap();
    store.backup(&copy.path().join("millrace.db")).await.unwrap();
    assert_eq!(runs(&Store::open(copy.path()).unwrap()).await, 20);
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_closed_store_has_folded_its_log_and_takes_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.take_over(at(0)).await.unwrap();
    checkpoint_one(store.clone(), 1).await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(checkpoint_one(store.clone(), 2).await, Err(Error::Stopped)));
    assert_eq!(std::fs::metadata(dir.path().join("millrace.db-wal")).map_or(0, |log| log.len()), 0);
    assert_eq!(runs(&Store::open(dir.path()).unwrap()).await, 1);
}

/// A store whose writer must wait until the answered connection commits.
async fn blocked() -> (tempfile::TempDir, Store, Connection) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.take_over(at(0)).await.unwrap();
    let blocker = block(&dir.path().join("millrace.db"));
    (dir, store, blocker)
}

fn block(path: &std::path::Path) -> Connection {
    let blocker = Connection::open(path).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    blocker
}

async fn checkpoint_one(store: Store, number: u128) -> Result<crate::Checkpointed, Error> {
    store.checkpoint(page(vec![row(number, &format!("r{number}"), 10)], 10)).await
}

async fn runs(store: &Store) -> usize {
    store.runs(RunFilter { limit: 10_000, ..RunFilter::default() }).await.unwrap().len()
}
