//! The models of a function: a tuple of types, and what the runtime does with each whatever its type.

use crate::engine::Settings;
use crate::error::{Error, Result, tuple};
use crate::layout::{stacked_shapes, without_numbers};
use crate::model::{self, Model};
use crate::param::Param;
use crate::shared::{Attachment, Handle, Shared};
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
        self.visit("", &mut |path, param| f(path, param));
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

    /// That another model is like this one.
    ///
    /// # Errors
    /// [`Error::OtherModel`] with the first that differs.
    pub(crate) fn same(&self, other: &Facts) -> Result<()> {
        let words = |path: &str, own: String, others: String| {
            format!("`{path}` is {own} there, and {others} in this one")
        };
        let shapes = self.stacks.iter().zip(&other.stacks).find(|(a, b)| a != b);
        let sizes = self.sizes.iter().zip(&other.sizes).find(|(a, b)| a != b);
        let configured = self.configuration.iter().zip(&other.configuration);
        let configured = configured.into_iter().find(|(a, b)| a != b);
        let problem = if let Some((own, others)) = shapes {
            words(&own.0, tuple(&own.1), tuple(&others.1))
        } else if let Some((own, others)) = sizes {
            words(own.0, own.1.to_string(), others.1.to_string())
        } else if let Some((own, others)) = configured {
            words(&own.0, own.1.to_string(), others.1.to_string())
        } else if self != other {
            "it has other parameters".to_string()
        } else {
            return Ok(());
        };
        Err(Error::OtherModel { problem })
    }

    /// The rank of a leaf, without the axes that count children.
    pub(crate) fn rank(&self, leaf: &str) -> usize {
        let path = without_numbers(leaf);
        let parts = |path: &str| path.split('.').count();
        let rank = self.shape(&path).map_or(0, <[usize]>::len);
        rank.saturating_sub(parts(leaf) - parts(&path))
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
    /// One of each: the model itself if it is the only one, a tuple of several.
    type Each;
    /// A [`Shared`] of each.
    type Handles: Clone + Send;
    /// Of each what it is trained or run by.
    #[doc(hidden)]
    type Attachments;
    /// Each, whatever its type.
    fn list<'a>(models: Self::Refs<'a>) -> Vec<&'a dyn Leaves>;
    /// Handles of copies.
    fn copies(models: Self::Refs<'_>) -> Self::Handles;
    /// Each handle, whatever its type.
    fn handles(handles: &Self::Handles) -> Vec<&dyn Handle>;
    /// That of the model that is trained.
    fn first(handles: &Self::Handles) -> Shared<Self::First>;
    /// The models of what each is trained or run by, and the settings of the first.
    #[doc(hidden)]
    fn attached(attachments: Self::Attachments) -> (Self::Handles, Option<Settings>);
    /// Copies, each changed by `change`, which is told its position.
    fn changed(
        models: Self::Refs<'_>,
        change: &mut dyn FnMut(usize, &mut dyn Leaves),
    ) -> Self::Each;
    /// The models as they are now.
    ///
    /// # Errors
    /// A device that was lost, too little memory.
    fn read(handles: &Self::Handles) -> Result<Self>;
}

impl Models for () {
    type First = ();
    type Refs<'a> = ();
    type Each = ();
    type Handles = ();
    type Attachments = ();
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
    fn attached((): ()) -> ((), Option<Settings>) {
        ((), None)
    }
    fn changed((): (), _: &mut dyn FnMut(usize, &mut dyn Leaves)) {}
    fn read((): &()) -> Result<()> {
        Ok(())
    }
}

macro_rules! models {
    ($($first:ident $m:ident $(, $more:ident $n:ident)* => $each:tt $value:tt;)*) => {$(
        impl<$first: Model $(, $more: Model)*> Models for ($first, $($more,)*) {
            type First = $first;
            type Refs<'a> = (&'a $first, $(&'a $more,)*);
            type Each = $each;
            type Handles = (Shared<$first>, $(Shared<$more>,)*);
            type Attachments = (Attachment<$first>, $(Attachment<$more>,)*);
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
            fn attached(($m, $($n,)*): Self::Attachments) -> (Self::Handles, Option<Settings>) {
                (($m.shared, $($n.shared,)*), $m.settings)
            }
            fn changed(
                ($m, $($n,)*): Self::Refs<'_>,
                change: &mut dyn FnMut(usize, &mut dyn Leaves),
            ) -> Self::Each {
                let (mut $m, $(mut $n,)*) = ($m.clone(), $($n.clone(),)*);
                let all: Vec<&mut dyn Leaves> = vec![&mut $m, $(&mut $n,)*];
                for (i, model) in all.into_iter().enumerate() {
                    change(i, model);
                }
                $value
            }
            fn read(($m, $($n,)*): &Self::Handles) -> Result<Self> {
                Ok(($m.model()?, $($n.model()?,)*))
            }
        }
    )*};
}
models! {
    A a => A a;
    A a, B b => (A, B) (a, b);
    A a, B b, C c => (A, B, C) (a, b, c);
    A a, B b, C c, D d => (A, B, C, D) (a, b, c, d);
    A a, B b, C c, D d, E e => (A, B, C, D, E) (a, b, c, d, e);
    A a, B b, C c, D d, E e, G g => (A, B, C, D, E, G) (a, b, c, d, e, g);
    A a, B b, C c, D d, E e, G g, H h => (A, B, C, D, E, G, H) (a, b, c, d, e, g, h);
    A a, B b, C c, D d, E e, G g, H h, I i => (A, B, C, D, E, G, H, I) (a, b, c, d, e, g, h, i);
}
