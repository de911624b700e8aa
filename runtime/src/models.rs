//! The models of a function: a tuple of types, and what the runtime does with each whatever its type.

use crate::error::Result;
use crate::layout::stacked_shapes;
use crate::model::{self, Model};
use crate::param::Param;
use crate::shared::{Handle, Shared};
use sinew_ir::SymbolValue;

/// The most models of a function that Rust calls.
pub const MAX_MODELS: usize = 8;

/// A model of any type.
pub trait Leaves {
    /// [`Model::visit`].
    fn each(&self, f: &mut dyn FnMut(&str, &Param));
    /// [`Model::visit_mut`].
    fn each_mut(&mut self, f: &mut dyn FnMut(&str, &mut Param));
    /// [`Model::symbols`].
    fn sizes(&self) -> Vec<(&'static str, SymbolValue)>;
    /// What [`Model::settings`] tells.
    ///
    /// # Errors
    /// As there.
    fn configuration(&self) -> Result<Vec<(String, SymbolValue)>>;
}

impl<M: Model> Leaves for M {
    fn each(&self, f: &mut dyn FnMut(&str, &Param)) {
        self.visit("", f);
    }
    fn each_mut(&mut self, f: &mut dyn FnMut(&str, &mut Param)) {
        self.visit_mut("", f);
    }
    fn sizes(&self) -> Vec<(&'static str, SymbolValue)> {
        self.symbols()
    }
    fn configuration(&self) -> Result<Vec<(String, SymbolValue)>> {
        model::settings(self)
    }
}

/// What compiling for a model needs to know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The values of the struct's symbols.
    pub(crate) sizes: Vec<(&'static str, SymbolValue)>,
    /// What is configuration, by its path.
    pub(crate) configuration: Vec<(String, SymbolValue)>,
    /// The paths of all leaves.
    pub(crate) leaves: Vec<String>,
    /// The paths and extents of what programs have as parameters.
    stacks: Vec<(String, Vec<usize>)>,
}

impl Facts {
    /// Those of a model.
    ///
    /// # Errors
    /// As [`Model::settings`].
    pub(crate) fn of(model: &dyn Leaves) -> Result<Facts> {
        let mut leaves = Vec::new();
        model.each(&mut |path, _| leaves.push(path.to_string()));
        Ok(Facts {
            sizes: model.sizes(),
            configuration: model.configuration()?,
            leaves,
            stacks: stacked_shapes(model),
        })
    }

    /// The extents of what programs have at `path`.
    pub(crate) fn shape(&self, path: &str) -> Option<&[usize]> {
        let (_, shape) = self.stacks.iter().find(|(stack, _)| stack == path)?;
        Some(shape)
    }
}

/// The models that a function takes, in the order in which it declares them: a tuple of at most 8.
#[diagnostic::on_unimplemented(
    message = "Rust calls functions of at most 8 models",
    note = "a struct can hold several: `struct Pair {{ encoder: Encoder, decoder: Decoder }}`"
)]
pub trait Models: Sized + Send + 'static {
    /// The one that is trained; `()` without any.
    type First: Model;
    /// Borrowed ones.
    type Refs<'a>: Copy;
    /// A [`Shared`] of each.
    type Handles: Clone + Send;
    /// Each, whatever its type.
    fn list<'a>(models: Self::Refs<'a>) -> Vec<&'a dyn Leaves>;
    /// Handles of copies.
    fn copies(models: Self::Refs<'_>) -> Self::Handles;
    /// Each handle, whatever its type.
    fn handles(handles: &Self::Handles) -> Vec<&dyn Handle>;
    /// That of the model that is trained.
    fn first(handles: &Self::Handles) -> Shared<Self::First>;
    /// The models as they are now.
    ///
    /// # Errors
    /// A device that was lost, too little memory.
    fn read(handles: &Self::Handles) -> Result<Self>;
}

impl Models for () {
    type First = ();
    type Refs<'a> = ();
    type Handles = ();
    fn list<'a>((): ()) -> Vec<&'a dyn Leaves> {
        Vec::new()
    }
    fn copies((): ()) {}
    fn handles((): &()) -> Vec<&dyn Handle> {
        Vec::new()
    }
    fn first((): &()) -> Shared<()> {
        Shared::new(())
    }
    fn read((): &()) -> Result<()> {
        Ok(())
    }
}

macro_rules! models {
    ($($first:ident $m:ident $(, $more:ident $n:ident)*;)*) => {$(
        impl<$first: Model $(, $more: Model)*> Models for ($first, $($more,)*) {
            type First = $first;
            type Refs<'a> = (&'a $first, $(&'a $more,)*);
            type Handles = (Shared<$first>, $(Shared<$more>,)*);
            fn list<'a>(($m, $($n,)*): Self::Refs<'a>) -> Vec<&'a dyn Leaves> {
                vec![$m, $($n,)*]
            }
            fn copies(($m, $($n,)*): Self::Refs<'_>) -> Self::Handles {
                (Shared::new($m.clone()), $(Shared::new($n.clone()),)*)
            }
            fn handles(($m, $($n,)*): &Self::Handles) -> Vec<&dyn Handle> {
                vec![$m, $($n,)*]
            }
            fn first(handles: &Self::Handles) -> Shared<$first> {
                handles.0.clone()
            }
            fn read(($m, $($n,)*): &Self::Handles) -> Result<Self> {
                Ok(($m.model()?, $($n.model()?,)*))
            }
        }
    )*};
}
models! {
    A a;
    A a, B b;
    A a, B b, C c;
    A a, B b, C c, D d;
    A a, B b, C c, D d, E e;
    A a, B b, C c, D d, E e, G g;
    A a, B b, C c, D d, E e, G g, H h;
    A a, B b, C c, D d, E e, G g, H h, I i;
}
