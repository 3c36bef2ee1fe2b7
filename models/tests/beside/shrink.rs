//! From commands that show a difference to the fewest that still show one.

/// Drops chunks, large ones first, for as long as what is left differs: of the result no command can be
/// dropped. `differs` plays commands from the beginning, on servers that have just been started.
///
/// After Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002.
pub fn shrink<T: Clone>(commands: &[T], mut differs: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut kept = commands.to_vec();
    let mut chunk = kept.len().div_ceil(2).max(1);
    loop {
        let (mut at, mut has_dropped) = (0, false);
        while at < kept.len() {
            let end = (at + chunk).min(kept.len());
            let without = [&kept[..at], &kept[end..]].concat();
            if differs(&without) {
                kept = without;
                has_dropped = true;
            } else {
                at = end;
            }
        }
        if chunk == 1 && !has_dropped {
            return kept;
        }
        chunk = (chunk / 2).max(1);
    }
}
