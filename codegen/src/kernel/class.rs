//! The kernel classes, and what each of them tells of itself.
//!
//! Whoever asks where a kernel runs, which code it holds, what it touches or what it costs asks its
//! class; each answers in its own file, as a [`Structure`].

use super::{Access, Code, Contract, Nest, Scan, Scatter, Sort, Touch};

/// The kernel classes.
#[derive(Clone, Debug, PartialEq)]
pub enum Class {
    /// Maps and row reductions.
    Nest(Nest),
    /// A contraction of two operands with prologues and an epilogue.
    Contract(Contract),
    /// Additions at computed indices.
    Scatter(Scatter),
    /// A value that runs along rows.
    Scan(Scan),
    /// The order of the elements of rows.
    Sort(Sort),
}

/// What a class tells of a kernel.
pub(super) trait Structure {
    /// The first word of the names of such kernels.
    fn word(&self) -> &'static str;

    /// Its space, for people.
    fn space_in_words(&self) -> String;

    /// The extent of the first parallel dim; none where there are no such dims.
    fn parallel(&self) -> Option<usize>;

    /// Its code, in program order.
    fn loop_bodies(&self) -> Vec<LoopBody<'_>>;

    /// The accesses that no code makes, behind those of its code.
    fn own_touches(&self) -> Vec<Touch>;

    /// The floating-point operations that stand in no code.
    fn own_flops(&self) -> usize;

    /// Every access, those of code and others, in the order of [`Class::touches`].
    fn accesses_mut(&mut self) -> Vec<&mut Access>;
}

/// Code with the space it runs over.
pub(crate) struct LoopBody<'a> {
    pub code: &'a Code,
    pub space: Vec<usize>,
    /// The stage of a nest; else 0.
    pub stage: usize,
    /// Whether it runs at the index of the kernel's stores.
    pub pointwise: bool,
    /// The dim along which its stores that add up do so.
    pub step: Option<usize>,
}

impl Class {
    fn structure(&self) -> &dyn Structure {
        match self {
            Class::Nest(nest) => nest,
            Class::Contract(contract) => contract,
            Class::Scatter(scatter) => scatter,
            Class::Scan(scan) => scan,
            Class::Sort(sort) => sort,
        }
    }

    fn structure_mut(&mut self) -> &mut dyn Structure {
        match self {
            Class::Nest(nest) => nest,
            Class::Contract(contract) => contract,
            Class::Scatter(scatter) => scatter,
            Class::Scan(scan) => scan,
            Class::Sort(sort) => sort,
        }
    }

    /// The first word of the names of such kernels.
    pub(crate) fn word(&self) -> &'static str {
        self.structure().word()
    }

    /// The space of a kernel, for people.
    pub(crate) fn space_in_words(&self) -> String {
        self.structure().space_in_words()
    }

    /// The extent of the parallel axis.
    pub(super) fn parallel(&self) -> usize {
        self.structure().parallel().unwrap_or(1)
    }

    /// The code of a kernel, in program order.
    pub(crate) fn loop_bodies(&self) -> Vec<LoopBody<'_>> {
        self.structure().loop_bodies()
    }

    /// All accesses of a kernel, in program order.
    pub(crate) fn touches(&self) -> Vec<Touch> {
        let all = self.touches_by_body().into_iter();
        all.map(|(_, touch)| touch).collect()
    }

    /// All accesses of a kernel, in program order, each with the number of the body among
    /// [`Class::loop_bodies`] whose code makes it; none of those that no code makes.
    pub(crate) fn touches_by_body(&self) -> Vec<(Option<usize>, Touch)> {
        let mut out = Vec::new();
        for (number, body) in self.loop_bodies().into_iter().enumerate() {
            let mut touches = Vec::new();
            body.add_touches(&mut touches);
            out.extend(touches.into_iter().map(|touch| (Some(number), touch)));
        }
        let own = self.structure().own_touches().into_iter();
        out.extend(own.map(|touch| (None, touch)));
        out
    }

    /// The same accesses, to be changed.
    pub(crate) fn accesses_mut(&mut self) -> Vec<&mut Access> {
        self.structure_mut().accesses_mut()
    }

    /// Floating-point operations, as [`Code::flops`] counts them.
    pub(crate) fn flops(&self) -> usize {
        let of_code = |body: LoopBody<'_>| body.code.flops().saturating_mul(volume(&body.space));
        let codes = self.loop_bodies().into_iter().map(of_code);
        codes.fold(self.structure().own_flops(), usize::saturating_add)
    }
}

/// The elements of a space.
pub(super) fn volume(space: &[usize]) -> usize {
    space.iter().fold(1, |n: usize, e| n.saturating_mul(*e))
}

/// `2x3`; `1` where there are no dims.
pub(super) fn in_words(extents: &[usize]) -> String {
    match extents.is_empty() {
        true => "1".into(),
        false => {
            let parts: Vec<String> = extents.iter().map(usize::to_string).collect();
            parts.join("x")
        }
    }
}
