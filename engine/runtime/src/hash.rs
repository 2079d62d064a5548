//! Short hashes, for telling contents apart.

/// The first eight bytes of a hash, as a number.
pub(crate) fn first_eight(hash: &blake3::Hash) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(eight)
}
