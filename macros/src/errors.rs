//! The collector of an item's errors: every stage adds, `expand` combines them once.

use proc_macro2::TokenStream;
use quote::quote;
use std::cell::RefCell;
use std::collections::HashSet;

/// What a stage returns when it cannot go on with a part: the errors are already collected.
#[derive(Debug, Clone, Copy)]
pub struct Reported;

/// The result of a stage's part.
pub type Checked<T> = Result<T, Reported>;

/// Every error of one item so far.
#[derive(Default)]
pub struct Errors(RefCell<Vec<syn::Error>>);

impl Errors {
    /// Adds one error.
    pub fn report(&self, error: syn::Error) -> Reported {
        self.0.borrow_mut().push(error);
        Reported
    }

    /// The value, or `Reported` after its error was added.
    pub fn check<T>(&self, result: syn::Result<T>) -> Checked<T> {
        result.map_err(|e| self.report(e))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Forgets all beyond the first `count`: for a body that is lowered again under more equations.
    pub fn truncate(&self, count: usize) {
        self.0.borrow_mut().truncate(count);
    }

    /// As `compile_error!` items, what is said twice of one place once; nothing when there are none.
    pub fn into_tokens(self) -> TokenStream {
        let mut errors = self.0.into_inner();
        let place = |e: &syn::Error| {
            let span = e.span();
            (e.to_string(), span.file(), span.start(), span.end())
        };
        let mut told = HashSet::new();
        errors.retain(|e| told.insert(place(e)));
        let errors = errors.iter().map(syn::Error::to_compile_error);
        quote!(#(#errors)*)
    }
}
