# autotailor: what a contributor types. `make` lists the targets.

GO ?= go
SHELL := bash
ORT_VERSION := 1.30.0
ORT_DIR := build/onnxruntime
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
export AUTOTAILOR_ORT ?= $(firstword $(wildcard $(CURDIR)/$(ORT_DIR)/libonnxruntime.so*))

.PHONY: help demo test test-fast check check-32bit check-platforms check-qemu check-ncnn bench-switch example examples generate bench bench-accuracy bench-engine bench-export bench-latency chaos fuzz lint size agent onnxruntime release vuln

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: ## the whole job on a real trained model, with the embedded engine
	@$(GO) run ./generated/demo

test: ## all tests
	$(GO) test -timeout 30m ./...

test-fast: ## the tests that are quick, at each save: under a minute on two cores once they are built
	$(GO) test -short ./...

check: ## what CI runs besides the tests: formatting, vet, lint, generated files up to date, clean tree
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on the files above'; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) build -o build/autotailorvet ./gen/autotailorvet
	$(GO) vet -vettool=build/autotailorvet ./...
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory generate
	@$(MAKE) --no-print-directory check-platforms
	@$(MAKE) --no-print-directory check-32bit
	@test -z "$$(git status --porcelain)" || { git status --porcelain; git diff | head -100; echo 'the tree is not clean: commit what make generate wrote'; exit 1; }

# What runs on devices: a generated package and its command, which read bundles, too, and the agent.
DEVICE := ./generated/mobilenetv2/... ./runtime/... ./gen/autotailor
PLATFORMS ?= linux/amd64 linux/386 linux/arm linux/arm64 linux/riscv64 windows/amd64 darwin/arm64 js/wasm

check-platforms: ## build what runs on devices for eight platforms, and say how long each took
	@for p in $(PLATFORMS); do \
	  from=$$(date +%s); CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build $(DEVICE) || exit 1; echo "platform $$p built in $$(($$(date +%s) - from)) s"; done

# Tests of libraries and agent that are short under an emulator, too; the others take 10 s to minutes there, and what they search is no matter of processors.
EMULATED := ./generated/mobilenetv2 ./runtime/model ./runtime/nn ./runtime/space ./runtime/lut ./runtime/accuracy ./runtime/search ./runtime/supernet ./runtime/infer \
  ./runtime/onnxfile ./runtime/measure/graphfile ./runtime/measure/device ./runtime/measure/agent ./runtime/deploy/bundle
LONG := ^Example_best$$|^TestMistakesAreFound$$|^TestCommittedPackages$$|^TestExportNeedsStatistics$$|^TestDenseFrontsStayWithinTheirGap$$|^TestDriver$$

check-qemu: ## run the tests of libraries and agent under qemu-user; ARCHS=riscv64 for other processors than 32-bit ARM and arm64
	@for a in $(or $(ARCHS),arm arm64); do \
	  qemu=qemu-$$(echo $$a | sed s/arm64/aarch64/)-static; command -v $$qemu >/dev/null || { echo "there is no $$qemu: install qemu-user-static"; [ -z "$$CI" ]; exit; }; \
	  from=$$(date +%s); AUTOTAILOR_ORT=none AUTOTAILOR_EXEC=$$qemu CGO_ENABLED=0 GOOS=linux GOARCH=$$a $(GO) test -short -exec $$qemu -skip '$(LONG)' $(EMULATED) || exit 1; \
	  echo "emulated $$a tested in $$(($$(date +%s) - from)) s"; done

check-32bit: ## read models and count costs on a machine whose int has 32 bits
	CGO_ENABLED=0 GOOS=linux GOARCH=386 $(GO) vet ./...
	CGO_ENABLED=0 GOOS=linux GOARCH=386 $(GO) test -short ./ir/... ./runtime/search ./runtime/space ./runtime/nn/... ./runtime/supernet ./runtime/lut ./runtime/measure/graphfile

check-ncnn: ## export SubNets of every family as NCNN and compare them with the embedded engine; AUTOTAILOR_NCNN=DIR also runs NCNN itself
	@out=$$($(GO) test -count=1 -v -run '^TestFamilies$$' ./runtime/deploy/ncnn) || { echo "$$out"; exit 1; }; echo "$$out" | sed -n 's/.*: ncnn /ncnn /p'

bench-switch: ## change SubNets 10,000 times under eight clients, with and without the race detector, and plot a load step
	@mkdir -p build
	@for race in '' -race; do \
	  out=$$(AUTOTAILOR_SWITCHES=10000 $(GO) test $$race -count=1 -v -timeout 20m -run '^TestSwitch$$' ./runtime/deploy/adapt) || { echo "$$out"; exit 1; }; \
	  echo "$$out" | sed -n "s/.*: switch \(.*\)/switch \1 $${race#-}/p"; done
	@out=$$(AUTOTAILOR_LOAD_PLOT=$(CURDIR)/build/load.png $(GO) test -count=1 -v -run '^TestLoadStep$$' ./runtime/deploy/adapt) || { echo "$$out"; exit 1; }; echo "$$out" | sed -n 's/.*: load /load /p'

example: ## build and test the modules of examples: the worked ones, and the one that serves a vendored package
	cd generated/examples && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) test ./...
	cd generated/examples/serve && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) test ./...
	rm -rf build/vendor && cd generated/examples/serve && $(GO) mod vendor -o $(CURDIR)/build/vendor && ! grep -E '^# ' $(CURDIR)/build/vendor/modules.txt | grep -vE 'autotailor|protobuf'

examples: ## from the weights of worked examples to the tables in their READMEs; NAME=spam for one of spam and unet
	@for n in $(or $(NAME),spam unet); do sh generated/examples/run.sh $$n || exit 1; done

imagenet-drill: ## ImageNet in full size on synthetic shards (1.6 GB in build/): train, kill, resume, evaluate; PYTHON has torch, numpy and PIL
	@$(GO) run ./generated/bench/imagenet -python $(or $(PYTHON),python3)

bench-export: ## exports of SubNets beside the same without clean-ups, on ONNX Runtime in turns; also of the models that AUTOTAILOR_MODELS has
	@out=$$(AUTOTAILOR_EXPORT_ROUNDS=$(or $(ROUNDS),100) $(GO) test -count=1 -v -timeout 60m -run '^TestExportsAreLean$$' ./internal/conform) || { echo "$$out"; exit 1; }; echo "$$out" | sed -n 's/.*: export /export /p'

bench-accuracy: ## predictors of accuracy, and methods at latency budgets, on the tuned models; needs Fashion-MNIST in /usr/share/datasets/fashion-mnist; TORCH=1 has PyTorch count
	@$(GO) run ./generated/bench/accuracy $(if $(ONLY),-only $(ONLY)) $(if $(TORCH),-torch)

generate: ## delete every generated package file and make it again
	@git ls-files '*_gen.go' '*_gen_test.go' 'generated/*/pytorch/*.py' | xargs -r rm -f
	$(GO) generate ./generated/... ./gen/operatordoc
	cd generated/examples && $(GO) generate ./...

bench: ## benchmarks, peers side by side
	$(GO) test -run '^$$' -bench . -benchmem ./ir/... ./runtime/... ./gen/... ./generated/... ./internal/conform

bench-engine: ## training and inference beside PyTorch and ONNX Runtime, where they are installed
	@$(GO) run ./generated/bench/engine

bench-latency: ## predicted against measured latency, of a full-size model on ONNX Runtime and two on the embedded engine; FULL=1 for all, ONLY=vit,levit for some
	@$(GO) run ./generated/bench/latency $(if $(FULL),-full) $(if $(ONLY),-only $(ONLY))

FUZZTIME ?= 60s
fuzz: ## every fuzz target for FUZZTIME, one after the other; FUZZ=Name only those called so; FUZZJOBS=2 two at a time, each on one core
	@for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  grep -ho '^func Fuzz[A-Za-z0-9_]*' $$p/*_test.go | sed 's/func //' | grep -E '^$(or $(FUZZ),.*)$$' | sed "s|^|$$p |"; done | \
	  xargs -P $(or $(FUZZJOBS),1) -L 1 sh -c 'out=$$($(GO) test -run "^\$$" -fuzz "^$$1\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $(if $(FUZZJOBS),-parallel 1) $$0 2>&1) && \
	    echo "$$0 $$1 $$(echo "$$out" | sed -n "s/.*\(execs: [0-9]*\).*/\1/p" | tail -1)" || { echo "$$0 $$1"; echo "$$out"; exit 1; }'

# What strangers send, by package, fuzz target and number of inputs.
CHAOS := runtime/engine/embedded:FuzzChild:100000 gen:FuzzInit:10000 runtime/model:FuzzExport:10000 runtime/deploy/bundle:FuzzDecode:10000 runtime/deploy/bundle:FuzzListed:10000 \
  runtime/lut:FuzzRead:10000 runtime/accuracy:FuzzRead:10000 runtime/train/data:FuzzIDX:10000 runtime/train/data:FuzzPicture:10000 runtime/train/data:FuzzSample:10000 \
  runtime/deploy/ncnn:FuzzRead:10000 runtime/deploy/adapt:FuzzPredict:10000 runtime/measure/agent:FuzzServer:10000

chaos: ## 220,000 hostile inputs in processes of 1 GB, and every long command killed 20 times; the log is internal/conform/chaos.log
	@for c in $(CHAOS); do IFS=: read -r p f n <<< "$$c"; from=$$SECONDS; \
	  out=$$(ulimit -d 1048576; GOMEMLIMIT=600MiB $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $${n}x -fuzzminimizetime 1s ./$$p 2>&1) || { echo "$$out"; exit 1; }; \
	  echo "$$p $$f: $$n inputs in $$((SECONDS - from)) s, no panic, signal or hang"; done
	@out=$$(AUTOTAILOR_KILLS=20 $(GO) test -count=1 -v -timeout 60m -run '^TestKilled' ./runtime/command/cli ./gen/autotailor 2>&1) || { echo "$$out"; exit 1; }; echo "$$out" | sed -n 's/.*: killed /killed /p'

lint: ## static analysis
	$(GO) run $(STATICCHECK) ./...

size: ## hand-written lines by folder, and files and functions over the limits
	@$(GO) run ./internal/size

release: ## the files of a release into build/release: archives, checksums, bill of materials, and the module as a proxy serves it
	@$(GO) run ./internal/publish

GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
vuln: ## known weaknesses of what is used, where the database of Go can be reached
	@if curl -fsS --max-time 20 -o /dev/null https://vuln.go.dev/index/db.json 2>/dev/null; then $(GO) run $(GOVULNCHECK) ./...; \
	else echo "govulncheck SKIPPED: its database, vuln.go.dev, cannot be reached from here"; fi

agent: ## build the agent for other machines into build/agent
	@for p in linux/amd64 linux/arm64 android/arm64; do \
	  out=build/agent/autotailor-agent-$$(echo $$p | tr / -) && \
	  CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -trimpath -ldflags='-s -w' -o $$out ./runtime/measure/agent/cmd/autotailor-agent && echo $$out || exit 1; done

onnxruntime: $(ORT_DIR)/.done ## fetch libonnxruntime through npm into build/
$(ORT_DIR)/.done:
	@mkdir -p $(ORT_DIR)
	cd $(ORT_DIR) && npm pack --silent onnxruntime-node@$(ORT_VERSION) && tar xzf onnxruntime-node-$(ORT_VERSION).tgz
	cp $(ORT_DIR)/package/bin/napi-v6/$$($(GO) env GOOS)/$$($(GO) env GOARCH | sed s/amd64/x64/)/libonnxruntime.so* $(ORT_DIR)/
	rm -rf $(ORT_DIR)/package $(ORT_DIR)/*.tgz && touch $@
