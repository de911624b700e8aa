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

/// The library's items of the operations' names have these parameters: emitted code relies on both.
#[test]
fn the_library_has_an_item_for_each_operation() {
    let library = include_str!("../../../src/ops.rs");
    for operation in crate::lower::operations::TABLE {
        let item = format!(
            "    {}({});",
            operation.name,
            operation.parameters.join(", ")
        );
        assert!(library.contains(&item), "src/ops.rs has no `{item}`");
    }
    let list = library.split("operations! {").nth(1).unwrap_or_default();
    let items = list.matches(");").count();
    assert_eq!(items, crate::lower::operations::TABLE.len());
}
