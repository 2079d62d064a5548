//! SIGKILL amid 100,000 rows: every acknowledged page is there whole, and no half page is.
//!
//! The child is this test binary again, told by its environment to be one.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::*;

const DIRECTORY: &str = "MILLRACE_STORE_TEST_CHILD";
const N_FLOWS: u128 = 4;
const N_PAGES: u128 = 125;
const N_ROWS: u128 = 200;

#[test]
fn every_acknowledged_page_survives_a_kill() {
    for n_acknowledged in [1, 60, 250, 480] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::kill::child", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();

        let mut acknowledged = vec![0; N_FLOWS as usize];
        let mut killed = false;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            // The harness's own words stand before the first of ours.
            let line = line.unwrap();
            let Some((_, words)) = line.split_once("acknowledged ") else { continue };
            let (flow, page) = words.split_once(' ').unwrap();
            acknowledged[flow.parse::<usize>().unwrap()] = page.parse::<i64>().unwrap();
            if !killed && acknowledged.iter().sum::<i64>() >= n_acknowledged {
                child.kill().unwrap();
                killed = true;
            }
        }
        assert!(!child.wait().unwrap().success(), "the child ended before it was killed");
        assert_whole(dir.path(), &acknowledged);
    }
}

/// Does nothing unless it is told to be the child.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let store = Store::open(dir.as_ref()).unwrap();
        store.take_over(at(0)).await.unwrap();
        let flows: Vec<_> = (0..N_FLOWS).map(|flow| tokio::spawn(write_pages(store.clone(), flow))).collect();
        for flow in flows {
            flow.await.unwrap();
        }
    });
}

async fn write_pages(store: Store, flow: u128) {
    for number in 1..=N_PAGES {
        let first = (flow * N_PAGES + number) * N_ROWS;
        let rows = (first..first + N_ROWS).map(|id| row(id, &format!("r{id}"), number as i64)).collect();
        let key = source_of(&flow_name(flow));
        store.checkpoint(Checkpoint { key, ..page(rows, number as i64) }).await.unwrap();
        println!("acknowledged {flow} {number}");
    }
}

fn flow_name(flow: u128) -> FlowId {
    FlowId::new(format!("flow-{flow}"))
}

fn assert_whole(dir: &std::path::Path, acknowledged: &[i64]) {
    let store = Store::inline(dir).unwrap();
    now(store.check()).unwrap();
    for (flow, acknowledged) in (0..).zip(acknowledged) {
        let n_pages =
            now(store.cursor(&source_of(&flow_name(flow)))).unwrap().map_or(0, |cursor| cursor.watermark.millis());
        assert!(
            n_pages >= *acknowledged,
            "flow {flow}: page {acknowledged} was acknowledged, page {n_pages} is stored"
        );
        let (n_runs, n_bodies, n_seen): (i64, i64, i64) = store.look(|connection| {
            connection
                .query_row(
                    "SELECT (SELECT count(*) FROM run JOIN flow ON flow.number = run.flow WHERE flow.name = ?1),
                            (SELECT count(*) FROM payload JOIN run ON run.id = payload.run JOIN flow ON flow.number = run.flow
                             WHERE flow.name = ?1),
                            (SELECT count(*) FROM seen JOIN source ON source.number = seen.source
                             JOIN flow ON flow.number = source.flow WHERE flow.name = ?1)",
                    [flow_name(flow).as_str()],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )
                .unwrap()
        });
        let whole = n_pages * N_ROWS as i64;
        assert_eq!((n_runs, n_bodies, n_seen), (whole, whole, whole), "flow {flow} with {n_pages} pages");
    }
}
