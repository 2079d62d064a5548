//! Draws without state: the seed, what the draw is for, and a number decide it, so that nothing depends on the order of
//! draws.

/// What a draw is for: two purposes never share their draws.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Fault,
    FaultDetail,
    Lag,
    Tie,
    Order,
    Correlation,
    IdGap,
    Seed,
    Churn,
}

/// A number that looks random and is always the same for the same arguments (the finaliser of SplitMix64).
pub(super) fn draw(seed: u64, purpose: Purpose, n: u64) -> u64 {
    mix(mix(seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_add((purpose as u64).wrapping_mul(0xD1B5_4A32_D192_ED03)) ^ mix(n))
}

/// A draw between 0 (included) and `below` (excluded); zero where `below` is zero.
pub(super) fn draw_below(seed: u64, purpose: Purpose, n: u64, below: u64) -> u64 {
    draw(seed, purpose, n).checked_rem(below).unwrap_or(0)
}

/// A draw from 0 (included) to 1 (excluded).
pub(super) fn unit(seed: u64, purpose: Purpose, n: u64) -> f64 {
    // 53 bits are what an f64 holds exactly.
    (draw(seed, purpose, n) >> 11) as f64 / (1_u64 << 53) as f64
}

fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_arguments_draw_equally_and_others_do_not() {
        assert_eq!(draw(7, Purpose::Lag, 3), draw(7, Purpose::Lag, 3));
        assert_ne!(draw(7, Purpose::Lag, 3), draw(7, Purpose::Lag, 4));
        assert_ne!(draw(7, Purpose::Lag, 3), draw(8, Purpose::Lag, 3));
        assert_ne!(draw(7, Purpose::Lag, 3), draw(7, Purpose::Tie, 3));
        let mean = (0..10_000).map(|n| unit(1, Purpose::Fault, n)).sum::<f64>() / 10_000.0;
        assert!((0.48..0.52).contains(&mean), "mean {mean}");
    }
}
