//! How long to wait before the next attempt.

use std::time::Duration;

use flow::Retry;
use sdk::EffectId;

/// The wait after `attempt` failed: it doubles from `initial` up to `max`, less up to a quarter.
///
/// What is left off comes from the effect's id, so that many writes refused together do not come back together, and
/// a simulation replays.
pub fn back_off(retry: &Retry, attempt: u32, effect: &EffectId) -> Duration {
    let doubled = retry.initial.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1).min(20)));
    let full = doubled.min(retry.max);
    let seed = blake3::hash(format!("{effect} {attempt}").as_bytes()).as_bytes()[0];
    full - full.mul_f64(f64::from(seed) / 255.0 / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_longest_wait_and_never_waits_longer() {
        let retry = Retry { max: Duration::from_secs(60), ..Retry::default() };
        let effect = EffectId::from("e");
        let waits: Vec<f64> = (1..=9).map(|attempt| back_off(&retry, attempt, &effect).as_secs_f64()).collect();
        for (index, wait) in waits.iter().enumerate() {
            let full = 2_f64.powi(i32::try_from(index).unwrap()).min(60.0);
            assert!((full * 0.75..=full).contains(wait), "attempt {}: {wait}", index + 1);
        }
    }
}
