//! What a long test is told by its environment.

/// The number in a variable, or the default where there is none.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
