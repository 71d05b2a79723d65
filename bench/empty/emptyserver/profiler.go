// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"syscall"
)

// This file is a part of the empty server, which is profiled by it, and is built into the service too, to profile that.
//
// From the first signal to the second the processor's profile is taken, which is then, with that of allocations, in files whose
// names begin as the variable says. Another signal collects garbage, which an idle program else does every two minutes.
func init() {
	collect := make(chan os.Signal, 1)
	signal.Notify(collect, syscall.SIGUSR2)
	go func() {
		for range collect {
			runtime.GC()
			runtime.GC() // what pools had until the first one
			println("garbage is collected")
		}
	}()
	name := os.Getenv("BENCH_PROFILE")
	if name == "" {
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		<-signals
		cpu, err := os.Create(name + "-cpu.pprof")
		if err != nil {
			panic(err)
		}
		if err := pprof.StartCPUProfile(cpu); err != nil {
			panic(err)
		}
		<-signals
		pprof.StopCPUProfile()
		_ = cpu.Close()
		allocs, err := os.Create(name + "-allocs.pprof.part")
		if err != nil {
			panic(err)
		}
		_ = pprof.Lookup("allocs").WriteTo(allocs, 0)
		_ = allocs.Close()
		_ = os.Rename(allocs.Name(), name+"-allocs.pprof")
	}()
}
