//! Every stage in text form, so that one value can be followed from the function to machine code.

/// Implements the printing methods of what has the methods `engine` and `layouts`.
macro_rules! inspect {
    ($name:ident) => {
        impl<F: $crate::ModelFunction, I> $name<F, I> {
            /// How many programs were compiled by calls of this; see [`CacheStats`](crate::CacheStats)
            /// for those found otherwise.
            pub fn compiles(&self) -> u64 {
                self.cache_stats().compiles
            }

            /// How calls found their programs, and what is kept of these.
            pub fn cache_stats(&self) -> $crate::CacheStats {
                self.engine().cache.stats()
            }

            /// The function as written: symbols, constraints, arguments, results.
            pub fn signature(&self) -> String {
                self.engine().signature()
            }

            /// The function's own program and its pullback, for all sizes, calls not yet inlined.
            pub fn ir(&self) -> String {
                self.engine().function.to_string()
            }

            /// The models' leaves as a table: path, shape, number of elements, and the floating-point operations of
            /// a call with the sizes of the one that came last, without a derivative or an update. Repeated children
            /// have one line a leaf.
            ///
            /// Operations are counted as `signature()` of the function counts them, once the program is simplified,
            /// and for the parameter that they are done with: `x.dot(w) + b` counts the product for `w`, the sum for
            /// `b`. What is done with data alone (activations, scores of attention, losses) stands in the last line.
            /// [`Model::summary`](crate::Model::summary) shows one.
            ///
            /// # Errors
            /// [`Error::NothingCompiled`](crate::Error::NothingCompiled) before the first call.
            pub fn summary(&self) -> $crate::Result<String> {
                $crate::summary::of_call(&self.engine(), self.layouts())
            }

            /// The function and its pullback with all calls inlined, for all sizes; once for each way that
            /// configuration or sizes may choose.
            ///
            /// # Errors
            /// [`Error::Link`](crate::Error::Link) for a unit whose texts do not fit each other.
            pub fn inlined(&self) -> $crate::Result<String> {
                $crate::call::inlined(self.engine().unit)
            }

            /// The linked programs: sizes bound, calls inlined, simplified.
            ///
            /// # Errors
            /// [`Error::NothingCompiled`](crate::Error::NothingCompiled) before the first call.
            pub fn linked(&self) -> $crate::Result<String> {
                Ok(self.engine().current()?.linked_text())
            }

            /// The kernels, their work and the memory plan; on the CPU the vectors that each has and who
            /// wrote its code; then what was fused with what, what was not and why. Before the first call, a sentence that says so.
            pub fn explain(&self) -> String {
                let engine = self.engine();
                match engine.current() {
                    Ok(program) => program.explained(),
                    Err(error) => error.to_string(),
                }
            }

            /// The regions of memory and their sizes.
            ///
            /// # Errors
            /// [`Error::NothingCompiled`](crate::Error::NothingCompiled) before the first call.
            pub fn memory(&self) -> $crate::Result<String> {
                let engine = self.engine();
                Ok(engine.current()?.memory_text(&engine.workspace))
            }

            /// The kernels in Cranelift's intermediate form.
            ///
            /// # Errors
            /// [`Error::NothingCompiled`](crate::Error::NothingCompiled) before the first call;
            /// [`Error::NoCode`](crate::Error::NoCode) on a GPU.
            pub fn clif(&self) -> $crate::Result<String> {
                self.engine().current()?.clif()
            }

            /// The kernels as WGSL; on the CPU, what a GPU would be given.
            ///
            /// # Errors
            /// [`Error::NothingCompiled`](crate::Error::NothingCompiled) before the first call;
            /// [`Error::NoCode`](crate::Error::NoCode) where there can be none.
            pub fn wgsl(&self) -> $crate::Result<String> {
                let engine = self.engine();
                let schedule = &engine.current()?.schedule;
                engine.settings.device.0.wgsl(schedule)
            }
        }
    };
}
pub(crate) use inspect;
