package cli

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/runtime/command/report"
	"github.com/autotailor/autotailor/runtime/space"
)

// compared is the result of `verify --json` for one SubNet, or a list of SubNets with both latencies.
type compared struct {
	verified
	SubNets []struct {
		SubNet    string  `json:"subnet"`
		Predicted float64 `json:"predicted_ms"`
		Measured  float64 `json:"measured_ms"`
	} `json:"subnets"`
}

// checkedAgainst reads files with SubNets that were predicted and measured. They must be of this package, and their predictions must come from the latencies at table,
// which cost sums.
func (c *call) checkedAgainst(table string, cost *space.Sum, paths []string) ([]report.Checked, error) {
	list, err := checkedFiles(c.net.Package, paths)
	if err != nil {
		return nil, err
	}
	const rounding = 1e-3 // ms; files have all digits
	var out []report.Checked
	for _, k := range list {
		g, err := c.net.Parse(k.SubNet)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; verify the SubNets of this package", k.file, err)
		}
		if ms := float64(cost.At(g)) / 1e6; math.Abs(ms-k.Predicted) > rounding*max(1, ms) {
			return nil, fmt.Errorf("%s: SubNet %s was predicted to take %.3f ms, %s predicts %.3f ms: verify it with that table, or give the table that it was verified with", k.file, k.SubNet, k.Predicted, table, ms)
		}
		out = append(out, k.Checked)
	}
	return out, nil
}

// checkedIn is a SubNet with the file that describes it.
type checkedIn struct {
	report.Checked
	file string
}

// checkedFiles reads files about SubNets of a package. Older files do not name their package.
func checkedFiles(pack string, paths []string) ([]checkedIn, error) {
	var out []checkedIn
	for _, path := range paths {
		data, err := infile.Read(path, infile.Text)
		if err != nil {
			return nil, err
		}
		var v compared
		if err := json.Unmarshal(data, &v); err != nil {
			return nil, fmt.Errorf("%s is not what `verify --json` prints: %w", path, err)
		}
		if v.Package != "" && v.Package != pack {
			return nil, fmt.Errorf("%s is of another package: it has SubNets of %s, this is %s; verify those of this package", path, v.Package, pack)
		}
		var list []checkedIn
		for _, s := range v.SubNets {
			list = append(list, checkedIn{report.Checked{SubNet: s.SubNet, Predicted: s.Predicted, Measured: s.Measured}, path})
		}
		if v.Predicted != nil && len(v.Engines) > 0 {
			list = append(list, checkedIn{report.Checked{SubNet: v.SubNet, Predicted: *v.Predicted, Measured: v.Engines[0].MedianMS}, path})
		}
		const least, most = 1e-9, 1e12 // ms; anything else is no latency
		for _, c := range list {
			if !(min(c.Predicted, c.Measured) >= least && max(c.Predicted, c.Measured) <= most) {
				list = nil
			}
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("%s has no predicted and measured latency: verify with --lut and --json", path)
		}
		out = append(out, list...)
	}
	return out, nil
}
