// SPDX-License-Identifier: MIT

// The works of bench/ as a Go programmer would write them.
//
// usage: peer_go WORK WORKERS [HOST:PORT]
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	million = 1000000
	batch   = 1000
)

var workers int

// One figure; a work for one or two workers has their number in its key.
func figure(key string, value float64) {
	fmt.Printf("figure %s %.6g\n", key, value)
}

func perWorkers(key string, value float64) {
	figure(key+"."+strconv.Itoa(workers), value)
}

func ns(since time.Time) float64 {
	return float64(time.Since(since).Nanoseconds())
}

func usage() syscall.Rusage {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return r
}

func cpuSeconds() float64 {
	u := usage()
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func peakMB() float64 {
	return float64(usage().Maxrss) / 1024
}

func procBytes(file, key string) float64 {
	text, _ := os.ReadFile("/proc/self/" + file)
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, key) {
			kb, _ := strconv.ParseFloat(strings.Fields(line)[1], 64)
			return kb * 1024
		}
	}
	return 0
}

func yield() {
	for _, tasks := range []int{2, 1000} {
		const turns = 4 * million
		var wg sync.WaitGroup
		began := time.Now()
		for i := 0; i < tasks; i++ {
			wg.Add(1)
			go func() {
				for n := turns / tasks; n > 0; n-- {
					runtime.Gosched()
				}
				wg.Done()
			}()
		}
		wg.Wait()
		figure("yield."+strconv.Itoa(tasks), ns(began)/turns)
	}
}

func spawn() {
	var wg sync.WaitGroup
	began := time.Now()
	for b := 0; b < million/batch; b++ {
		wg.Add(batch)
		for i := 0; i < batch; i++ {
			go wg.Done()
		}
		wg.Wait()
	}
	perWorkers("spawn.batch", ns(began)/million)
	if workers != 1 {
		return
	}
	done := make(chan struct{})
	began = time.Now()
	for i := 0; i < million; i++ {
		go func() { done <- struct{}{} }()
		<-done
	}
	figure("spawn.one", ns(began)/million)
}

func parked() {
	wake := make(chan struct{})
	var ready, done sync.WaitGroup
	rss := procBytes("smaps_rollup", "Rss:")
	tables := procBytes("status", "VmPTE:")
	ready.Add(million)
	done.Add(million)
	began := time.Now()
	for i := 0; i < million; i++ {
		go func() {
			ready.Done()
			<-wake
			done.Done()
		}()
	}
	ready.Wait()
	took := ns(began)
	figure("parked.bytes", (procBytes("smaps_rollup", "Rss:")-rss)/million)
	figure("parked.tables", (procBytes("status", "VmPTE:")-tables)/million)
	began = time.Now()
	close(wake)
	done.Wait()
	figure("parked.time", (took+ns(began))/million)
}

// Each of `pairs` senders sends `each` values to as many receivers.
func through(pairs, each int) float64 {
	c := make(chan uint64, 128)
	var wg sync.WaitGroup
	began := time.Now()
	for p := 0; p < pairs; p++ {
		wg.Add(2)
		go func() {
			for i := 0; i < each; i++ {
				c <- uint64(i)
			}
			wg.Done()
		}()
		go func() {
			for i := 0; i < each; i++ {
				<-c
			}
			wg.Done()
		}()
	}
	wg.Wait()
	return ns(began) / float64(pairs*each)
}

func channels() {
	perWorkers("chan.1to1", through(1, million))
	if workers == 2 {
		perWorkers("chan.4to4", through(4, million/4))
	}
	const turns = million / 2
	there, back := make(chan uint64), make(chan uint64)
	go func() {
		for v := range there {
			back <- v
		}
	}()
	began := time.Now()
	for i := 0; i < turns; i++ {
		there <- uint64(i)
		<-back
	}
	perWorkers("chan.pingpong", ns(began)/turns)
	close(there)
}

func mutex() {
	const turns, tasks = 2 * million, 8
	var lock sync.Mutex
	var shared uint64
	var wg sync.WaitGroup
	began := time.Now()
	for i := 0; i < tasks; i++ {
		wg.Add(1)
		go func() {
			for n := turns / tasks; n > 0; n-- {
				lock.Lock()
				shared++
				lock.Unlock()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	perWorkers("mutex", ns(began)/turns)
	if workers == 1 {
		began = time.Now()
		for n := turns; n > 0; n-- {
			lock.Lock()
			shared++
			lock.Unlock()
		}
		figure("mutex.free", ns(began)/turns)
	}
}

func any(c *[4]chan uint64) int {
	select {
	case <-c[0]:
		return 0
	case <-c[1]:
		return 1
	case <-c[2]:
		return 2
	case <-c[3]:
		return 3
	}
}

func selects() {
	for _, w := range []struct {
		key      string
		capacity int
		filled   int
	}{{"select.one", 1, 1}, {"select.all", 1, 4}, {"select.wait", 0, 0}} {
		var c [4]chan uint64
		for i := range c {
			c[i] = make(chan uint64, w.capacity)
		}
		for i := 0; i < w.filled; i++ {
			c[i] <- 1
		}
		if w.capacity == 0 {
			go func() {
				for i := 0; i < million; i++ {
					c[i%4] <- 1
				}
			}()
		}
		began := time.Now()
		for i := 0; i < million; i++ {
			from := any(&c)
			if w.capacity > 0 {
				c[from] <- 1
			}
		}
		figure(w.key, ns(began)/million)
	}
}

func node(c chan int64, first, leaves int64) {
	if leaves == 1 {
		c <- first
		return
	}
	sums := make(chan int64, 10)
	var sum int64
	for i := int64(0); i < 10; i++ {
		go node(sums, first+i*leaves/10, leaves/10)
	}
	for i := 0; i < 10; i++ {
		sum += <-sums
	}
	c <- sum
}

func skynet() {
	c := make(chan int64, 1)
	began := time.Now()
	go node(c, 0, million)
	if <-c != million*(million-1)/2 {
		panic("the sum is wrong")
	}
	perWorkers("skynet", ns(began)/1e6)
	perWorkers("skynet.mb", peakMB())
}

func roundOfSleeps(late []time.Duration) float64 {
	var wg sync.WaitGroup
	seed := uint64(1)
	cpu := cpuSeconds()
	wg.Add(million)
	for i := 0; i < million; i++ {
		seed = seed*6364136223846793005 + 1442695040888963407
		d := time.Duration(1+(seed>>33)%1000) * time.Millisecond
		go func(i int) {
			due := time.Now().Add(d)
			time.Sleep(d)
			late[i] = time.Since(due)
			wg.Done()
		}(i)
	}
	wg.Wait()
	return cpuSeconds() - cpu
}

func timers() {
	late := make([]time.Duration, million)
	figure("timers.cold", roundOfSleeps(late))
	sort.Slice(late, func(a, b int) bool { return late[a] < late[b] })
	figure("timers.late", late[million/100*99].Seconds()*1e3)
	figure("timers.warm", roundOfSleeps(late))
	figure("timers.peak", peakMB())
}

func arm() {
	timer := time.NewTimer(time.Hour)
	began := time.Now()
	for i := 0; i < million; i++ {
		timer.Stop()
		timer.Reset(time.Hour)
	}
	figure("timer.arm", ns(began)/million)
}

func echo(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		panic(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			continue
		}
		go func() {
			defer c.Close()
			buffer := make([]byte, 4096)
			for {
				n, err := c.Read(buffer)
				if err != nil {
					return
				}
				if _, err = c.Write(buffer[:n]); err != nil {
					return
				}
			}
		}()
	}
}

func hello(address string) {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "Hello, world!\n")
	})
	panic(http.ListenAndServe(address, nil))
}

func main() {
	works := map[string]func(){"yield": yield, "spawn": spawn,
		"parked": parked, "chan": channels, "mutex": mutex,
		"select": selects, "skynet": skynet, "timers": timers,
		"deadline": arm}
	workers, _ = strconv.Atoi(os.Args[2])
	runtime.GOMAXPROCS(workers)
	switch os.Args[1] {
	case "echo":
		echo(os.Args[3])
	case "http":
		hello(os.Args[3])
	default:
		works[os.Args[1]]()
	}
}
