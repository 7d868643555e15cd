// Of https://www.w3.org/TR/wasm-js-api-2/, section 5.3: what is used here. Node has it and does not describe it.
declare namespace WebAssembly {
  class Memory {
    /** In pages of 64 KiB. Throws `RangeError` where so many addresses are not to be had. */
    constructor(descriptor: { readonly initial: number; readonly maximum: number });
    readonly buffer: ArrayBuffer;
  }
}
