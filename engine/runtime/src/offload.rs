//! Keeps computing off the threads that wait.

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
