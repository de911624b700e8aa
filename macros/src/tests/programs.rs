//! What right programs become, and what wrong ones are told.

use super::corpus::PROGRAMS;
use super::rustc::expand_text;

#[test]
fn right_programs_have_no_errors() {
    for text in PROGRAMS {
        let out = expand_text(text);
        assert_eq!(out.errors, Vec::<String>::new(), "{text}");
        assert_eq!(out.missing, Vec::<String>::new(), "{text}");
    }
}

/// What `sinew::ops` is made of reads as Rust, an item for each operation.
#[test]
fn the_library_has_an_item_for_each_operation() {
    let items: syn::File = syn::parse2(crate::operations::items()).expect("items");
    let functions = items.items.iter().filter_map(|i| match i {
        syn::Item::Fn(f) => Some(f.sig.ident.to_string()),
        _ => None,
    });
    assert_eq!(functions.collect::<Vec<_>>(), crate::operations::names());
}
