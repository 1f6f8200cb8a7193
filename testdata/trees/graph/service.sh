#!/bin/sh
# Stands for a service that takes a moment to be ready.
echo "$COPPICE_CHILD begins"
sleep 0.2
echo "ready"
exec sleep 1000000
