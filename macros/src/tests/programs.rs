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
