//! A unit: what a compiled crate carries of one model function.
//!
//! The macro emits one static a function, with one text: the function as it prints, and in a comment
//! behind it the place of each instruction, which nobody reads there.
//! Its callees are plain Rust paths to their statics, so
//! rustc links them and nothing is looked up by name at run time. Units are never built by hand
//! outside tests.

use crate::block::Inst;
use crate::function::{Function, Location};
use crate::symbol::SymbolValue;
use crate::text::{ParseError, parse};

/// One model function as it stands in a binary.
pub struct Unit {
    /// The function's path as its author sees it (`digits::loss`).
    pub path: &'static str,
    /// The source file that locations in `text` count in.
    pub file: &'static str,
    /// The function in text form with its pullback, as [`Unit::text_of`] makes it.
    pub text: &'static str,
    /// The functions it calls, by the names its text uses.
    pub callees: &'static [(&'static str, &'static Unit)],
    /// The values that rustc gave those of its symbols that are Rust consts.
    pub consts: &'static [(&'static str, SymbolValue)],
}

/// What the comment with the places starts with.
const PLACES: &str = "; places";

impl Unit {
    /// The text of a function for a unit. A place that is the one before is a dot, none a dash.
    pub fn text_of(function: &Function) -> String {
        let mut text = function.to_string();
        text.push_str(PLACES);
        let mut before = None;
        for inst in insts(function) {
            match inst.location() {
                None => text.push_str(" -"),
                Some(l) if before == Some(l) => text.push_str(" ."),
                Some(l) => text.push_str(&format!(" {}:{}", l.line, l.column)),
            }
            before = inst.location();
        }
        text.push('\n');
        text
    }

    /// The function that its text tells, with places.
    ///
    /// # Errors
    /// A text that is none.
    pub fn function(&self) -> Result<Function, ParseError> {
        let mut function = parse(self.text)?;
        let last = self.text.lines().last().unwrap_or_default();
        let Some(places) = last.strip_prefix(PLACES) else {
            return Ok(function);
        };
        let mut before = None;
        let pullback = function.pullback.iter_mut();
        let pullback = pullback.flat_map(|p| &mut p.block.insts);
        let insts = function.body.insts.iter_mut().chain(pullback);
        for (inst, place) in insts.zip(places.split_whitespace()) {
            if place != "." {
                before = place.split_once(':').and_then(|(line, column)| {
                    Some(Location::new(line.parse().ok()?, column.parse().ok()?))
                });
            }
            match inst {
                Inst::Op(i) => i.location = before,
                Inst::Call(c) => c.location = before,
                // A loop stands in linked programs alone; the place of a pullback is that of its call.
                Inst::Loop(_) | Inst::PullbackCall(_) => {}
            }
        }
        Ok(function)
    }
}

/// Every instruction: those of the body, then those of the pullback.
fn insts(function: &Function) -> impl Iterator<Item = &Inst> {
    let pullback = function.pullback.iter().flat_map(|p| &p.block.insts);
    function.body.insts.iter().chain(pullback)
}

impl std::fmt::Debug for Unit {
    /// The path alone: the text would bury it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unit({})", self.path)
    }
}
