//! Functions that call each other in a circle.
//!
//! A function sees those that it calls, and not what these call: what each calls is kept here as they are lowered, one
//! after the other, and the one that closes a circle is told. Where all of them stand is their crate, since none can
//! call one of a crate that comes later.

use crate::signature::Function;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// A function: what tells its item from all others, and its name in that.
type Key = (String, String);

fn key(function: &Function) -> Key {
    (function.id.clone(), function.name.clone())
}

/// What each function calls.
static CALLS: Mutex<Option<HashMap<Key, BTreeSet<Key>>>> = Mutex::new(None);

/// Forgets what a function calls, which is lowered now.
pub(super) fn begin(caller: &Function) {
    let mut calls = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
    calls.get_or_insert_default().remove(&key(caller));
}

/// Keeps that one function calls another, unless that closes a circle: then the names of all that are in it behind the
/// caller, in the order of the calls. They are none where it calls itself.
pub(super) fn closed(caller: &Function, callee: &Function) -> Option<Vec<String>> {
    let (caller, callee) = (key(caller), key(callee));
    let mut calls = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
    let calls = calls.get_or_insert_default();
    let found = way(calls, &callee, &caller);
    if found.is_none() {
        calls.entry(caller).or_default().insert(callee);
    }
    found
}

/// The names from one function to another along the fewest calls, without the last.
fn way(calls: &HashMap<Key, BTreeSet<Key>>, from: &Key, to: &Key) -> Option<Vec<String>> {
    let mut before: HashMap<&Key, &Key> = HashMap::new();
    let mut open = VecDeque::from([from]);
    while let Some(at) = open.pop_front() {
        if at == to {
            let back = std::iter::successors(before.get(at), |step| before.get(**step));
            let mut names: Vec<String> = back.map(|step| step.1.clone()).collect();
            names.reverse();
            return Some(names);
        }
        for next in calls.get(at).into_iter().flatten() {
            if next != from && !before.contains_key(next) {
                before.insert(next, at);
                open.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Function {
        Function {
            id: "circles".to_string(),
            name: name.to_string(),
            at: String::new(),
            symbols: Vec::new(),
            outer: 0,
            constraints: Vec::new(),
            params: Vec::new(),
            results: Vec::new(),
            tuple: false,
            no_derivative: None,
            private: false,
        }
    }

    #[test]
    fn the_call_that_closes_a_circle_is_told() {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(named);
        assert_eq!(closed(&a, &a), Some(Vec::new()));
        assert_eq!(closed(&a, &b), None);
        assert_eq!(closed(&b, &c), None);
        assert_eq!(closed(&c, &d), None);
        assert_eq!(closed(&b, &d), None);
        let names = Some(vec!["a".to_string(), "b".to_string()]);
        assert_eq!(closed(&c, &a), names);
        assert_eq!(closed(&d, &a), names);
        begin(&b);
        assert_eq!(closed(&c, &a), None);
    }
}
