//! Keeps computing off the threads that wait, where it takes long enough to matter.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// What may be computed on a thread that others wait for. Handing it to another costs some ten microseconds of
/// processor, which is more than most conditions take.
const BRIEF: Duration = Duration::from_millis(1);

/// Long computations at once. More of them would only take turns, and each thread costs its stack.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(n_places()));

/// How long a flow's expressions took last, which says where the next of them is computed. Until one was computed,
/// nothing is known, and it is taken for long.
#[derive(Debug, Default)]
pub struct Pace {
    is_brief: AtomicBool,
}

impl Pace {
    /// Computes on this thread if that was brief the last time, else on a blocking one. A flow whose expressions become
    /// slow holds a thread once, and no longer than an expression may take.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (result, took) = if self.is_brief.load(Ordering::Relaxed) {
            timed(work)
        } else {
            let _place = PLACES.acquire().await;
            offload(move || timed(work)).await
        };
        self.is_brief.store(took < BRIEF, Ordering::Relaxed);
        result
    }
}

fn n_places() -> usize {
    thread::available_parallelism().map_or(2, |cores| cores.get().max(2))
}

#[expect(
    clippy::disallowed_methods,
    reason = "real work on a real thread: where it runs changes nothing that it gives"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}

/// Runs `work` on a blocking thread where the runtime has several, and in place where it has one: a simulation owns
/// its only thread, and nothing else must run beside it.
///
/// A panic of `work` reaches the caller as one.
pub async fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::runtime::Handle::current().runtime_flavor() {
        tokio::runtime::RuntimeFlavor::CurrentThread => work(),
        _ => match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only a runtime that shuts down cancels blocking work; this task ends with it.
                Err(_) => std::future::pending().await,
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread::ThreadId;

    use super::*;

    async fn place(pace: &Pace, takes: Duration) -> ThreadId {
        pace.compute(move || {
            #[expect(clippy::disallowed_methods, reason = "the test is about how long a thread is held")]
            thread::sleep(takes);
            thread::current().id()
        })
        .await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn what_took_long_is_computed_elsewhere_the_next_time() {
        let pace = Pace::default();
        let here = thread::current().id();
        assert_ne!(place(&pace, Duration::ZERO).await, here, "nothing is known of the first");
        assert_eq!(place(&pace, BRIEF * 2).await, here, "the one before was brief");
        assert_ne!(place(&pace, Duration::ZERO).await, here, "the one before was long");
        assert_eq!(place(&pace, Duration::ZERO).await, here);
    }

    /// A hundred runs whose expressions were long had a hundred threads, and their memory, for themselves.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn long_ones_take_turns() {
        static AT_ONCE: AtomicUsize = AtomicUsize::new(0);
        let long = || {
            let at_once = AT_ONCE.fetch_add(1, Ordering::SeqCst) + 1;
            #[expect(clippy::disallowed_methods, reason = "the test is about how long a thread is held")]
            thread::sleep(BRIEF * 2);
            AT_ONCE.fetch_sub(1, Ordering::SeqCst);
            at_once
        };
        let paces: Vec<Pace> = (0..40).map(|_| Pace::default()).collect();
        let most = futures::future::join_all(paces.iter().map(|pace| pace.compute(long))).await;
        assert!(most.iter().max() <= Some(&n_places()), "{most:?}");
    }
}
