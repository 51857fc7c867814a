// Package ncnn writes recorded networks as NCNN models, reads such files, and runs them slowly.
//
// Write makes a .param and a .bin file of a graph and its weights: batch 1 without its axis, BatchNorm multiplied into the layer before it,
// activations as part of convolutions, constants evaluated, and one reader per blob. A value is kept in the shape in which the layer
// before it yields it; Reshape layers stand only where a layer needs another one. Attention is one MultiHeadAttention with its projections
// where queries, keys and values have the same widths, else an SDPA. What NCNN has no layer for is refused with the names
// of its nodes, several at once.
//
// Read reads both files with every number checked, and Model.Run computes what they say with plain loops that share nothing with
// the writer. Tests compare that with the embedded engine, and with NCNN itself where AUTOTAILOR_NCNN names the folder that it was
// installed in: cmake -DNCNN_VULKAN=OFF -DNCNN_OPENMP=OFF -DCMAKE_INSTALL_PREFIX=DIR, make install, then AUTOTAILOR_NCNN=DIR make check-ncnn.
//
// To support another operator, add it to emitters and write its function; to read another layer, add it to kinds.
package ncnn
