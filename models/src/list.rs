//! What happens once per message must cost little.

/// [`Vec::push`] without a copy: the item is written where it belongs, field by field. Where the
/// vector may have to grow first, the compiler builds the item aside and copies it, and the
/// processor waits there for the single fields to be written. Where it happens for each message,
/// that is worth 2 % of a run.
#[inline(always)]
pub fn push<T>(list: &mut Vec<T>, item: T) {
    #[cold]
    #[inline(never)]
    fn grow_and_push<T>(list: &mut Vec<T>, item: T) {
        list.push(item);
    }
    if list.len() == list.capacity() {
        grow_and_push(list, item);
    } else {
        list.push(item);
    }
}
