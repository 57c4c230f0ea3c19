package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"syscall"
	"unsafe"
)

// routeToLink makes the addresses of a range neighbours on the container's network: whoever there owns one answers.
func routeToLink(cidr string) error {
	device, err := firstDevice()
	if err != nil {
		return err
	}
	return addRoute(cidr, device.Index, syscall.RT_TABLE_MAIN, syscall.RT_SCOPE_LINK, syscall.RTN_UNICAST)
}

// ownRange makes every address of a range this container's own, without naming any: the kernel answers for them all.
func ownRange(cidr string) error {
	loopback, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	return addRoute(cidr, loopback.Index, syscall.RT_TABLE_LOCAL, syscall.RT_SCOPE_HOST, syscall.RTN_LOCAL)
}

func firstDevice() (*net.Interface, error) {
	devices, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for i := range devices {
		if devices[i].Flags&net.FlagLoopback == 0 && devices[i].Flags&net.FlagUp != 0 {
			return &devices[i], nil
		}
	}
	return nil, fmt.Errorf("no network device is up")
}

// addRoute says to the kernel what `ip route add` would; a route that is there already is fine.
func addRoute(cidr string, device int, table, scope, kind byte) error {
	_, network, err := net.ParseCIDR(cidr)
	if err != nil {
		return err
	}
	ones, _ := network.Mask.Size()
	message := make([]byte, syscall.NLMSG_HDRLEN, 64)
	message = append(message,
		syscall.AF_INET, byte(ones), 0, 0, table, syscall.RTPROT_BOOT, scope, kind, // struct rtmsg
		0, 0, 0, 0)
	message = appendAttribute(message, syscall.RTA_DST, network.IP.To4())
	index := make([]byte, 4)
	binary.NativeEndian.PutUint32(index, uint32(device))
	message = appendAttribute(message, syscall.RTA_OIF, index)
	header := (*syscall.NlMsghdr)(unsafe.Pointer(&message[0]))
	header.Len = uint32(len(message))
	header.Type = syscall.RTM_NEWROUTE
	header.Flags = syscall.NLM_F_REQUEST | syscall.NLM_F_CREATE | syscall.NLM_F_EXCL | syscall.NLM_F_ACK
	return askKernel(message)
}

func appendAttribute(message []byte, kind uint16, value []byte) []byte {
	message = binary.NativeEndian.AppendUint16(message, uint16(4+len(value)))
	message = binary.NativeEndian.AppendUint16(message, kind)
	return append(message, value...)
}

func askKernel(message []byte) error {
	socket, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer syscall.Close(socket)
	if err := syscall.Sendto(socket, message, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	size, _, err := syscall.Recvfrom(socket, answer, 0)
	if err != nil {
		return err
	}
	if size < syscall.NLMSG_HDRLEN+4 {
		return fmt.Errorf("the kernel's answer is too short")
	}
	code := int32(binary.NativeEndian.Uint32(answer[syscall.NLMSG_HDRLEN:]))
	if code == 0 || syscall.Errno(-code) == syscall.EEXIST {
		return nil
	}
	return fmt.Errorf("cannot add the route: %w", syscall.Errno(-code))
}
