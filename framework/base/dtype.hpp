#pragma once
#include <lamina/dtype.hpp>
