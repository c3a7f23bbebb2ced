package main

import (
	"context"
	"fmt"
	"os"
	"time"

	criclient "k8s.io/cri-client/pkg"
)

const callTimeout = 30 * time.Second

// removePods stops and removes every pod sandbox that the container runtime at endpoint
// (unix:///…/containerd.sock) knows, so that its CNI plugins give back addresses, links and rules. It
// returns the process's exit code: 1 when a sandbox is left.
func removePods(ctx context.Context, endpoint string) int {
	runtime, err := criclient.NewRemoteRuntimeService(ctx, endpoint, callTimeout, nil, false)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	sandboxes, err := runtime.ListPodSandbox(ctx, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := 0
	for _, sandbox := range sandboxes {
		err := runtime.StopPodSandbox(ctx, sandbox.Id)
		if err == nil {
			err = runtime.RemovePodSandbox(ctx, sandbox.Id)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, sandbox.Id, err)
			code = 1
		}
	}
	fmt.Println(len(sandboxes), "sandboxes removed")
	return code
}
