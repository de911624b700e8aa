//! What vectors wider than Cranelift's need and CLIF has no instruction for: calls of functions that the
//! wide back end writes in their place.

use cranelift_codegen::ir::{AbiParam, InstBuilder, Signature, Type, Value, types};

use super::frame::Frame;

/// A function that is written in the place of its call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Intrinsic {
    /// `(address, count) -> vector`: the first lanes of memory; the others are zero, and their memory is
    /// not touched.
    LoadFirst,
    /// `(vector, address, count)`: stores the first lanes.
    StoreFirst,
    /// `(address, stride, count) -> vector`: the first lanes, each so many elements behind the one before.
    LoadStrided,
    /// `(vector, address, stride, count)`: stores the first lanes so.
    StoreStrided,
    /// `(vector, n) -> vector`: groups of n lanes, each of which changes places with its neighbour.
    Exchange,
    /// `(vectors..) -> vectors`: as many as each has lanes, rows and columns exchanged.
    Transpose,
    /// `(vector, lane) -> scalar`: one lane.
    Lane,
    /// `(vector, others, count) -> vector`: the first lanes of one, and the lanes of the other behind them.
    FirstOf,
    /// `(step) -> vector`: 0, the step, twice the step, ...
    LaneNumbers,
    /// `(address) -> vector`: elements of 16 bits, each in a lane of 32.
    LoadHalves,
    /// `(vector, address)`: the lower 16 bits of each lane of 32.
    StoreHalves,
    /// `(address)`: has a line of memory brought to the caches, if there is one, and waits for nothing.
    Bring,
    /// `(address)`: the same of a line that will be written.
    BringToWrite,
}

impl Intrinsic {
    const ALL: [Intrinsic; 13] = [
        Intrinsic::LoadFirst,
        Intrinsic::StoreFirst,
        Intrinsic::LoadStrided,
        Intrinsic::StoreStrided,
        Intrinsic::Exchange,
        Intrinsic::Transpose,
        Intrinsic::Lane,
        Intrinsic::FirstOf,
        Intrinsic::LaneNumbers,
        Intrinsic::LoadHalves,
        Intrinsic::StoreHalves,
        Intrinsic::Bring,
        Intrinsic::BringToWrite,
    ];

    /// Its name in the text of functions.
    fn name(self) -> &'static str {
        match self {
            Intrinsic::LoadFirst => "intrinsic_load_first",
            Intrinsic::StoreFirst => "intrinsic_store_first",
            Intrinsic::LoadStrided => "intrinsic_load_strided",
            Intrinsic::StoreStrided => "intrinsic_store_strided",
            Intrinsic::Exchange => "intrinsic_exchange",
            Intrinsic::Transpose => "intrinsic_transpose",
            Intrinsic::Lane => "intrinsic_lane",
            Intrinsic::FirstOf => "intrinsic_first_of",
            Intrinsic::LaneNumbers => "intrinsic_lane_numbers",
            Intrinsic::LoadHalves => "intrinsic_load_halves",
            Intrinsic::StoreHalves => "intrinsic_store_halves",
            Intrinsic::Bring => "intrinsic_bring",
            Intrinsic::BringToWrite => "intrinsic_bring_to_write",
        }
    }

    /// The one of a name.
    pub(super) fn of_name(name: &str) -> Option<Intrinsic> {
        Intrinsic::ALL.into_iter().find(|i| i.name() == name)
    }
}

impl Frame<'_> {
    /// The first lanes of memory.
    pub(super) fn load_first(&mut self, ty: Type, address: Value, count: usize) -> Value {
        let count = self.b.ins().iconst(types::I64, count as i64);
        self.intrinsic(Intrinsic::LoadFirst, &[address, count], Some(ty))
    }

    /// Stores the first lanes.
    pub(super) fn store_first(&mut self, value: Value, address: Value, count: usize) {
        let count = self.b.ins().iconst(types::I64, count as i64);
        self.intrinsic(Intrinsic::StoreFirst, &[value, address, count], None);
    }

    /// The first lanes of memory, each so many elements behind the one before.
    pub(super) fn load_strided(
        &mut self,
        ty: Type,
        address: Value,
        stride: i64,
        count: usize,
    ) -> Value {
        let [stride, count] = [stride, count as i64].map(|n| self.b.ins().iconst(types::I64, n));
        self.intrinsic(Intrinsic::LoadStrided, &[address, stride, count], Some(ty))
    }

    /// Stores the first lanes so.
    pub(super) fn store_strided(
        &mut self,
        value: Value,
        address: Value,
        stride: i64,
        count: usize,
    ) {
        let [stride, count] = [stride, count as i64].map(|n| self.b.ins().iconst(types::I64, n));
        let args = [value, address, stride, count];
        self.intrinsic(Intrinsic::StoreStrided, &args, None);
    }

    /// Groups of lanes that change places with their neighbours.
    pub(super) fn exchanged(&mut self, value: Value, lanes: usize) -> Value {
        let lanes = self.b.ins().iconst(types::I64, lanes as i64);
        let ty = self.b.func.dfg.value_type(value);
        self.intrinsic(Intrinsic::Exchange, &[value, lanes], Some(ty))
    }

    /// As many vectors as each has lanes, rows and columns exchanged.
    pub(super) fn transposed(&mut self, rows: &[Value]) -> Vec<Value> {
        let types = rows.iter().map(|v| self.b.func.dfg.value_type(*v));
        let types: Vec<Type> = types.collect();
        self.results(Intrinsic::Transpose, rows, &types)
    }

    /// Has a line of memory brought to the caches: any address will do.
    pub(super) fn bring(&mut self, address: Value) {
        self.intrinsic(Intrinsic::Bring, &[address], None);
    }

    /// The same of a line that will be written.
    pub(super) fn bring_to_write(&mut self, address: Value) {
        self.intrinsic(Intrinsic::BringToWrite, &[address], None);
    }

    /// A call of an intrinsic; its result, or where there is none its first argument.
    pub(super) fn intrinsic(
        &mut self,
        intrinsic: Intrinsic,
        args: &[Value],
        result: Option<Type>,
    ) -> Value {
        let results = self.results(intrinsic, args, result.as_slice());
        results.first().copied().unwrap_or(args[0])
    }

    fn results(&mut self, intrinsic: Intrinsic, args: &[Value], results: &[Type]) -> Vec<Value> {
        let mut signature = Signature::new(self.b.func.signature.call_conv);
        for value in args {
            let ty = self.b.func.dfg.value_type(*value);
            signature.params.push(AbiParam::new(ty));
        }
        signature
            .returns
            .extend(results.iter().map(|ty| AbiParam::new(*ty)));
        let function = self.import(intrinsic.name(), signature, false);
        let call = self.b.ins().call(function, args);
        self.b.inst_results(call).to_vec()
    }
}
