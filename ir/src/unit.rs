//! A unit: what a compiled crate carries of one model function.
//!
//! The macro emits one static a function. Its callees are plain Rust paths to their statics, so
//! rustc links them and nothing is looked up by name at run time. Units are never built by hand
//! outside tests.

/// One model function as it stands in a binary.
pub struct Unit {
    /// The function's path as its author sees it (`digits::loss`).
    pub path: &'static str,
    /// The source file that locations in `text` count in.
    pub file: &'static str,
    /// The function in text form, with locations and pullback.
    pub text: &'static str,
    /// The functions it calls, by the names its text uses.
    pub callees: &'static [(&'static str, &'static Unit)],
    /// The values that rustc gave the Rust consts in its dims.
    pub consts: &'static [(&'static str, usize)],
    /// The values of the Rust consts it computes with.
    pub numbers: &'static [(&'static str, f64)],
}

impl std::fmt::Debug for Unit {
    /// The path alone: the text would bury it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unit({})", self.path)
    }
}
