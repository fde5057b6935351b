#!/bin/sh
set -e
mkdir -p data logs
touch data/ready
chmod 700 data
ln -s data current
flask --version > logs/version
