//! Room that a call leaves to the next one on its thread. What a call borrows is gone behind it, the vector that held
//! it need not be: so calls with many arguments ask for memory the first time alone.

use std::cell::Cell;
use std::thread::LocalKey;

/// An empty vector, in the memory of the one that was left there.
pub(crate) fn taken<A, B>(left: &'static LocalKey<Cell<Vec<A>>>) -> Vec<B> {
    emptied(left.try_with(Cell::take).unwrap_or_default())
}

/// Leaves a vector's memory to the next call.
pub(crate) fn leave<A, B>(left: &'static LocalKey<Cell<Vec<A>>>, vector: Vec<B>) {
    if vector.capacity() > 0 {
        // A thread that ends keeps nothing.
        let _ = left.try_with(|place| place.set(emptied(vector)));
    }
}

/// A vector without elements. Where two types differ in a lifetime alone, it lies where the other did: the standard
/// library collects in place.
fn emptied<A, B>(mut vector: Vec<A>) -> Vec<B> {
    vector.clear();
    vector.into_iter().filter_map(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static LEFT: Cell<Vec<&'static str>> = const { Cell::new(Vec::new()) };
    }

    #[test]
    fn room_is_used_again() {
        let text = String::from("short-lived");
        let mut vector: Vec<&str> = taken(&LEFT);
        vector.extend([text.as_str(); 40]);
        let (place, capacity) = (vector.as_ptr().addr(), vector.capacity());
        leave(&LEFT, vector);
        let again: Vec<&str> = taken(&LEFT);
        assert!(again.is_empty());
        assert_eq!((again.as_ptr().addr(), again.capacity()), (place, capacity));
    }
}
