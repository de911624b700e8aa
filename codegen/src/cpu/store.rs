//! Where machine code is kept between processes, for whoever compiles to be given.

use super::EmitError;
use super::image::{Damage, decode, encode};
use super::key::CodeKey;
use super::machine::Compiled;

/// Keeps compiled schedules by their keys.
///
/// What it gives back is checked before it is used: that it is whole, and what the key says. It is not, and cannot be,
/// checked for what it does. So whoever can write where a store keeps it can run code in this process.
pub trait CodeStore {
    /// The image that was kept by a key, if there is one.
    fn load(&self, key: &CodeKey) -> Option<Vec<u8>>;

    /// Keeps an image by a key, in the place of another one.
    fn keep(&self, key: &CodeKey, image: &[u8]);

    /// Is told that what it gave by a key is not used; another one is kept in its place next.
    fn refused(&self, key: &CodeKey, why: Damage);
}

/// The functions of these names in order, and whether they were kept: else they are compiled, and kept.
///
/// # Errors
/// Those of `compile`.
pub(super) fn functions(
    store: &dyn CodeStore,
    key: &CodeKey,
    names: &[&str],
    imports: &[(String, *const u8)],
    compile: impl FnOnce() -> Result<Vec<Compiled>, EmitError>,
) -> Result<(Vec<Compiled>, bool), EmitError> {
    if let Some(image) = store.load(key) {
        match decode(&image, key, names, imports) {
            Ok(functions) => return Ok((functions, true)),
            Err(why) => store.refused(key, why),
        }
    }
    let functions = compile()?;
    if let Some(image) = encode(key, &functions) {
        store.keep(key, &image);
    }
    Ok((functions, false))
}
