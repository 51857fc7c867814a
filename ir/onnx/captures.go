package onnx

import "github.com/autotailor/autotailor/internal/onnxpb"

// branches gives the results of If and Loop that the model does not describe what their subgraphs declare.
func (d *decoder) branches(p *onnxpb.NodeProto) {
	for _, a := range p.GetAttribute() {
		outputs := a.GetG().GetOutput()
		if p.GetOpType() == "Loop" {
			outputs = outputs[min(1, len(outputs)):] // after the condition
			outputs = outputs[:min(len(outputs), max(0, len(p.GetInput())-2))]
		}
		for k, v := range outputs {
			if k >= len(p.GetOutput()) || p.GetOpType() != "If" && p.GetOpType() != "Loop" {
				break
			}
			if id, ok := d.ids[p.GetOutput()[k]]; ok && d.g.Values[id].Shape == nil {
				d.describe(id, v)
			}
		}
	}
}
