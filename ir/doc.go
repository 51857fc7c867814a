// Package ir is TailorIR: the graph of a model, and with its folders the modules of a SuperNet. It knows nothing of Go source.
//
// # From a model to a SuperNet
//
// A model is a graph of operators. A SuperNet is the same graph, in which the extents of tensors are functions of choices. It is made bottom-up, in
// the three steps of the paper's section 4.1.3:
//
//	ONNX file
//	   |  onnx.Read, pass.Canonicalise
//	   v
//	Graph        x -> Conv -> Clip -> Conv -> Clip -> Conv -> Add -> Conv -> ... -> y
//	                \__________________________________________/
//	   |  step 1: supernet.NewFlow follows branches to where they meet
//	   v
//	operators    [ Conv   Clip   Conv   Clip   Conv   Add ]  [ Conv ]  ...
//	   |  step 2: a supernet.Template knows the form
//	   v
//	blocks       [          InvertedResidual              ]  [ Conv ]  ...
//	   |  step 3: a new stage starts where width, rank or resolution changes
//	   v
//	stages       [ InvertedResidual  InvertedResidual ]  [ Conv  InvertedResidual  ...
//	   |
//	   v
//	net          resolution -> stage 0 -> stage 1 -> ... -> stage 9
//
// # A feature and three verbs
//
// supernet.Op, supernet.Block, supernet.Stage and supernet.Net are the four levels of modules. Each of them has the same four methods:
//
//	Feature     what the module is. Its extents are tables over choices, so they list all that it can be: the meta feature.
//	            Feature.At gives the active feature, what it is in one SubNet.
//	Transform   makes a choice of the values of a list in the config, and binds what it moves: the widths of a stage, the window of a convolution.
//	Update      deduces what depends on that: which axes are cut with the one that a choice moves, groups, paddings, shapes, when a block is there.
//	            It refuses what an operator cannot work on.
//	Build       tells a supernet.Builder the parts of a SubNet in execution order: a net its stages, a stage its blocks, a block its operators.
//
// supernet.Compile is one transform of all modules and one update of the net. What Build tells becomes Go code (gen/view), the network that an engine
// runs, or a sum. The Example follows an inverted residual through all four.
//
// A module is not copied and changed for each SubNet, as in the paper's implementation. Because a feature is a function of the choices,
// one update deduces all SubNets at once, and what no choice moves drops out by itself.
//
// # The paper's words
//
//	computation graph             Graph                              ir/graph.go, made by ir/onnx and ir/pass
//	operator                      supernet.Op                        ir/supernet/net.go; what its kind does: internal/operators, ir/op
//	static module, bypassing      op.InferGraph's default            ir/op/infer.go; carried as it is by gen/view/translate.go
//	default block                 supernet.Item without a Block      ir/supernet/flow.go
//	templated block, matching     supernet.Template, Match, Block    templates, ir/supernet/blocks.go
//	path                          Flow.Branches, Block.Roles         ir/supernet/flow.go
//	stage                         supernet.Stage                     ir/supernet/blocks.go
//	SuperNet                      supernet.Net                       ir/supernet/net.go
//	modification                  supernet.Var                       ir/supernet/config.go
//	candidate choices             supernet.Choice                    ir/supernet/net.go
//	Feature, meta and active      Feature, Feature.At, Active        ir/supernet/feature.go
//	transform                     Transform                          ir/supernet/transform.go
//	update                        Update                             ir/supernet/update.go
//	build                         Build, Builder                     ir/supernet/build.go; gen/view/build.go makes Go of it
//	deduction rule                axis.Couple, op.Spec               ir/axis, ir/op
//	execution-free shape inference   op.Inference                    ir/op/inference.go
//	modification dependency          dim.Dim.Deps                    ir/dim
//	unique operators, LUT            unique.Enumerate                ir/unique
//	SubNet                           genes, one for each choice      a generated package's type SubNet
//
// A generated package has the modules as Go types, a struct for each block and stage with choices. A program transforms them by
// setting their fields. What update deduced stands in its tables, and SubNet.Build, with a method build for each stage and block and a method of
// nn.Builder for each operator, is what Build told.
package ir
